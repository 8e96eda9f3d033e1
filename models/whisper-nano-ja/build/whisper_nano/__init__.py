"""How the bundled model was made: synthetic speech of known alignment, and three stages."""
