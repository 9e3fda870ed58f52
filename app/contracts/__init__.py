"""`contracts/`: what services share, as data, made from the code; `./market contracts --check` proves that it is fresh."""
