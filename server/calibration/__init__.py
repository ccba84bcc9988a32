"""`assay calibrate`: a judge against people, its card, and rates and differences that it is corrected for."""
