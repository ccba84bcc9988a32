"""What agents did: their calls and steps, against a reference or by themselves."""
