{% set names = compared_names() | reject("equalto", "beta_63") | list %}

with

technical as (

    select * from {{ source("features", "technical") }}
    where {{ window() }}

),

price_action as (

    select * from {{ source("features", "price_action") }}
    where {{ window() }}

),

volatility as (

    select * from {{ source("features", "volatility") }}
    where {{ window() }}

),

statistical as (

    select * from {{ source("features", "statistical") }}
    where {{ window() }}

),

joined as (

    {{ compared_side_by_side() }}

),

means as (

    select
        date,
        {%- for name in names %}
        {{ exact_mean("case when beta_63 is not null then " ~ name ~ " end") }} as {{ name }}_mean,
        {{ exact_mean("case when " ~ name ~ " is not null then beta_63 end") }}
            as {{ name }}_beta_mean{{ "," if not loop.last }}
        {%- endfor %}
    from joined
    group by date

),

products as (

    select
        date,
        {%- for name in names %}
        {{ exact_mean("(" ~ name ~ " - " ~ name ~ "_mean) * (beta_63 - " ~ name ~ "_beta_mean)") }}
            as {{ name }}_covariance,
        {{ exact_mean("case when " ~ name ~ " is not null then (beta_63 - " ~ name ~ "_beta_mean) ** 2 end") }}
            as {{ name }}_beta_variance{{ "," if not loop.last }}
        {%- endfor %}
    from joined
    join means using (date)
    group by date

),

final as (

    select
        joined.symbol,
        joined.date,
        {%- for name in names %}
        (
            {{ name }} - {{ name }}_mean
            - case when {{ name }}_beta_variance = 0 then 0 else {{ name }}_covariance / {{ name }}_beta_variance end
            * (beta_63 - {{ name }}_beta_mean)
        )::float as {{ name }}_beta_neutral{{ "," if not loop.last }}
        {%- endfor %}
    from joined
    join means using (date)
    join products using (date)

)

select * from final
