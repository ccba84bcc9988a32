-- Whether a row is in the sample of the rate `$sample_rate`, 0 to 1, by the hash of its `sampled_by`: the same of each rate, and all of a lower one. A condition.
(md5_number_lower(sampled_by) // 2048) * 0.00000000000000011102230246251565 < $sample_rate
