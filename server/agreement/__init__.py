"""`assay agreement`: a file of labels, brought to coefficients, consensus and sentences."""
