"""The practice world: problems with answers that are right by construction, a teacher that solves them, and the text a
small base model is pre-trained on. It stands on nothing else in the studio, so the whole loop can run offline."""
