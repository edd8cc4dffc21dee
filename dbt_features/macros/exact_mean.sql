{#
  Mean whose bits do not depend on the order in which the rows are added, and so not on the number of threads: decimals
  add up exactly, to 1e-18. It may be followed by `over (...)`.
#}
{% macro exact_mean(expression) -%}
    avg(({{ expression }})::double::decimal(38, 18))
{%- endmacro %}
