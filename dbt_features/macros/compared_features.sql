{# Features that are compared across the names of a session, by the table that has them. #}
{% macro compared_features() -%}
    {{ return({
        "price_action": [
            "log_return_5", "log_return_21", "log_return_63", "log_return_126", "log_return_252", "distance_to_high_252"
        ],
        "technical": ["sma_ratio_200", "rsi_14", "volume_ratio_21", "amihud_ratio_21_252"],
        "volatility": ["realised_volatility_63", "parkinson_volatility_21"],
        "statistical": ["return_skew_63", "beta_63"],
    }) }}
{%- endmacro %}

{# Names of the compared features as one list. #}
{% macro compared_names() -%}
    {{ return(compared_features().values() | sum(start=[])) }}
{%- endmacro %}

{# The compared features side by side, in double precision, from CTEs named like the tables. #}
{% macro compared_side_by_side() -%}
    select
        technical.symbol,
        technical.date,
        {%- for table, names in compared_features().items() %}{% set is_last = loop.last %}
        {%- for name in names %}
        {{ table }}.{{ name }}::double as {{ name }}{{ "," if not (loop.last and is_last) }}
        {%- endfor %}{% endfor %}
    from technical
    left join price_action using (symbol, date)
    left join volatility using (symbol, date)
    left join statistical using (symbol, date)
{%- endmacro %}
