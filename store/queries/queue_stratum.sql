-- What a row with service, environment, release, model, prompt and variant is told apart by, as `$by` says; null: unknown, or all are one. An expression.
case $by::varchar when 'service' then service when 'environment' then environment when 'release' then release when 'model' then model
                  when 'prompt' then prompt when 'variant' then variant end
