{# Quotient where the denominator is above 0, else null. #}
{% macro positive_ratio(numerator, denominator) -%}
    case when {{ denominator }} > 0 then {{ numerator }} / {{ denominator }} end
{%- endmacro %}

{# One figure of an item in a table with a row for each item. #}
{% macro figure(column, item) -%}
    max({{ column }}) filter (where item = '{{ item }}')
{%- endmacro %}

{# Entries of a list of (ends, value) whose periods ended a year before a day, within 20 days (52-week years). #}
{% macro year_before(entries, day) -%}
    list_filter({{ entries }}, lambda entry: abs({{ day }} - entry.ends - 365) <= 20)
{%- endmacro %}

{# Sum of the values of a list of (ends, value), in its order. #}
{% macro sum_of(entries) -%}
    list_sum(list_transform({{ entries }}, lambda entry: entry.value))
{%- endmacro %}
