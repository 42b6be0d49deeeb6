"""Signs in finished counts that predictions were read in another way than they were meant."""
