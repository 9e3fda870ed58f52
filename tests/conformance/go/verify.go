// Verify checks what the market signs with Go's own libraries for transparency logs, and nothing of the market's:
// golang.org/x/mod/sumdb/note for signatures, golang.org/x/mod/sumdb/tlog for the Merkle tree.
//
//	verify checkpoint FILE KEY...
//	verify proof CHECKPOINT ENTRY INDEX PROOF KEY...     (PROOF: base64 hashes, one a line)
//	verify receipt FILE KEY...
//
// It prints what was verified and exits with 0, or says what failed and exits with 1.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type receipt struct {
	Source     string   `json:"source"`
	EventID    string   `json:"event_id"`
	EventHash  string   `json:"eventhash"`
	ReceivedAt string   `json:"receivedat"`
	Signature  string   `json:"signature"`
	Entry      string   `json:"entry"`
	LeafIndex  int64    `json:"leafindex"`
	Proof      []string `json:"proof"`
	Checkpoint string   `json:"checkpoint"`
}

// openNote returns the text of a note that one of the keys signed.
func openNote(data []byte, keys []string) (string, error) {
	var verifiers []note.Verifier
	for _, key := range keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return "", fmt.Errorf("key %q: %w", key, err)
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	if err != nil {
		return "", err
	}
	return opened.Text, nil
}

// openCheckpoint returns the tree that a signed checkpoint commits to. tlog.ParseTree knows the checksum database's
// origin alone, so the three lines are given to it behind that one.
func openCheckpoint(data []byte, keys []string) (tlog.Tree, error) {
	text, err := openNote(data, keys)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.SplitAfter(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tlog.Tree{}, errors.New("checkpoint: not origin, size and root")
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + lines[1] + lines[2]))
}

func checkInclusion(tree tlog.Tree, entry []byte, index int64, hashes []string) error {
	var proof tlog.RecordProof
	for _, text := range hashes {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return fmt.Errorf("proof: %w", err)
		}
		proof = append(proof, hash)
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func verifyCheckpoint(file string, keys []string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(data, keys)
	if err != nil {
		return err
	}
	fmt.Printf("checkpoint of %d leaves with root %s\n", tree.N, tree.Hash)
	return nil
}

func verifyProof(args []string) error {
	note, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	hashes, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(note, args[4:])
	if err != nil {
		return err
	}
	if err := checkInclusion(tree, entry, index, strings.Fields(string(hashes))); err != nil {
		return err
	}
	fmt.Printf("the entry is leaf %d of %d\n", index, tree.N)
	return nil
}

func verifyReceipt(file string, keys []string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var r receipt
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	text, err := openNote([]byte(r.Signature), keys)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	said := fmt.Sprintf("market receipt\n%s\n%s\n%s\n%s\n", r.Source, r.EventID, r.EventHash, r.ReceivedAt)
	if text != said {
		return errors.New("signature: the note says something else than the receipt")
	}
	fmt.Printf("receipt of event %s\n", r.EventID)
	if r.Entry == "" {
		return nil
	}
	// The entry is {"event":…,"prevhash":…: the event's bytes end before the last such label.
	end := strings.LastIndex(r.Entry, `,"prevhash":"`)
	if end < 0 || !strings.HasPrefix(r.Entry, `{"event":`) {
		return errors.New("entry: not an entry")
	}
	hash := sha256.Sum256([]byte(r.Entry[len(`{"event":`):end]))
	if hex.EncodeToString(hash[:]) != r.EventHash {
		return errors.New("entry: it holds another event")
	}
	tree, err := openCheckpoint([]byte(r.Checkpoint), keys)
	if err != nil {
		return err
	}
	if err := checkInclusion(tree, []byte(r.Entry), r.LeafIndex, r.Proof); err != nil {
		return err
	}
	fmt.Printf("its entry is leaf %d of %d\n", r.LeafIndex, tree.N)
	return nil
}

func run(args []string) error {
	switch {
	case len(args) >= 3 && args[0] == "checkpoint":
		return verifyCheckpoint(args[1], args[2:])
	case len(args) >= 6 && args[0] == "proof":
		return verifyProof(args[1:])
	case len(args) >= 3 && args[0] == "receipt":
		return verifyReceipt(args[1], args[2:])
	}
	return errors.New("usage: verify checkpoint FILE KEY... | proof CHECKPOINT ENTRY INDEX PROOF KEY... | receipt FILE KEY...")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
