"""Document to model input: windows of printed lines (`window`), and the words of the prompt (`prompt`)."""
