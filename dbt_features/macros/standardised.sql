{# Distance from the mean in standard deviations: 0 where all are equal, null where the value is. #}
{% macro standardised(column, mean, deviation) -%}
    case
        when {{ column }} is null then null
        when {{ deviation }} = 0 then 0
        else ({{ column }} - {{ mean }}) / {{ deviation }}
    end::float
{%- endmacro %}
