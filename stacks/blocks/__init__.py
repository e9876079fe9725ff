"""Small constructs that the stacks compose."""
