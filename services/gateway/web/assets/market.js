// Enhancement only: every page does all it does without this file.
// Puts a "copy" button beside each command that is meant to be run in a terminal.

for (const block of document.querySelectorAll('[data-copy-label]')) {
  if (!navigator.clipboard) break
  const code = block.querySelector('code')
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'm-command__copy'
  button.textContent = block.dataset.copyLabel
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(code.textContent.trim())
    button.textContent = block.dataset.copiedLabel
  })
  block.append(button)
}
