{#
  The span of days that a run asks for is two variables of the connection, so that the same SQL serves every span.
  Without them the span is all days.
#}
{% macro first_day() -%}
    coalesce(getvariable('first_day'), date '1900-01-01')
{%- endmacro %}

{% macro last_day() -%}
    coalesce(getvariable('last_day'), date '2999-12-31')
{%- endmacro %}

{# Rows that a model reads: those of the requested days, and of enough days before them to hold `lookback` sessions. #}
{% macro window(lookback=0) -%}
    {%- set days = (lookback * 3 / 2) | round(0, "ceil") | int + 10 if lookback else 0 -%}
    date between {{ first_day() }}{{ " - " ~ days if days }} and {{ last_day() }}
{%- endmacro %}
