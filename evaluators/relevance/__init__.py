"""How a text bears on a question: by its words, not by what is true."""
