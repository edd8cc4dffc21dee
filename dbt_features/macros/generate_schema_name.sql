{# The schema is the stage, exactly: features.cross_section is asset features/cross_section. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
