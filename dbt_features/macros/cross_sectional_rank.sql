{# Rank of a column among the names of the session that have it: 0 is the lowest, 1 the highest, ties share the lower. #}
{% macro cross_sectional_rank(column) -%}
    case
        when {{ column }} is not null
        then percent_rank() over (partition by date, {{ column }} is null order by {{ column }})
    end::float
{%- endmacro %}
