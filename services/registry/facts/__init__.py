"""What registry's commands need from tables, read in their transactions: of the register, of the catalogue."""
