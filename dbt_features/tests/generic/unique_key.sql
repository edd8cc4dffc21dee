{# Fails with the keys that more than one row has. #}
{% test unique_key(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as rows
    from {{ model }}
    group by all
    having count(*) > 1
{% endtest %}
