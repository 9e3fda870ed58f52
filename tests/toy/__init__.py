"""A toy service that the kernel's own tests run: a box that counts, and a mirror that follows it."""
