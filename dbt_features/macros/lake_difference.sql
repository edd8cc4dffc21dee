{#
  Incremental strategy of the lake: make the rows of the window equal to the query's and touch only rows that differ.
  Running a window again changes nothing and commits no snapshot.
#}
{% macro get_incremental_lake_difference_sql(arg_dict) %}
    {%- set target = arg_dict["target_relation"] -%}
    {%- set query = arg_dict["temp_relation"] -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | list -%}
    {%- set window = "date between date '" ~ var("start") ~ "' and date '" ~ var("end") ~ "'" %}

    delete from {{ target }} as stored
    where {{ window }}
    and not exists (
        select 1 from {{ query }} as wanted
        where
        {% for column in columns -%}
            wanted.{{ column }} is not distinct from stored.{{ column }} {{ "and" if not loop.last }}
        {% endfor -%}
    );

    insert into {{ target }} ({{ columns | join(", ") }})
    select {{ columns | join(", ") }} from {{ query }} as wanted
    where not exists (
        select 1 from {{ target }} as stored
        where {{ window }} and stored.symbol = wanted.symbol and stored.date = wanted.date
    )
    order by symbol, date
{% endmacro %}
