"""What labels become: training files with a data card, items of golden sets, suites over them, few-shot examples."""
