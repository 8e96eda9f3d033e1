"""From written terms to content-addressed utterances on disk."""
