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

companies as (

    select * from {{ source("market_data", "companies") }}

),

joined as (

    {{ compared_side_by_side() }}

),

-- a sector that became known at the end of a day counts from the next session
placed as (

    select
        joined.*,
        coalesce(companies.sector, '') as sector
    from joined
    asof left join companies on joined.symbol = companies.symbol and joined.date > companies.known_on

),

means as (

    select
        date,
        sector,
        {%- for name in compared_names() %}
        {{ exact_mean(name) }} as {{ name }}_mean{{ "," if not loop.last }}
        {%- endfor %}
    from placed
    group by date, sector

),

final as (

    select
        placed.symbol,
        placed.date,
        {%- for name in compared_names() %}
        ({{ name }} - {{ name }}_mean)::float as {{ name }}_sector_neutral{{ "," if not loop.last }}
        {%- endfor %}
    from placed
    join means using (date, sector)

)

select * from final
