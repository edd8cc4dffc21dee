with

price_action as (

    select * from {{ source("features", "price_action") }}
    where {{ window(lookback=62) }}

),

technical as (

    select * from {{ source("features", "technical") }}
    where {{ window(lookback=62) }}

),

volatility as (

    select * from {{ source("features", "volatility") }}
    where {{ window(lookback=62) }}

),

joined as (

    select
        price_action.symbol,
        price_action.date,
        price_action.log_return_1::double as move,
        price_action.distance_to_high_252,
        price_action.distance_to_low_252,
        technical.sma_ratio_50,
        technical.sma_ratio_200,
        volatility.realised_volatility_21,
        volatility.realised_volatility_63
    from price_action
    left join technical using (symbol, date)
    left join volatility using (symbol, date)

),

sessions as (

    select
        date,
        count(move) as names,
        {{ exact_mean("(move > 0)::int") }} as advancers,
        {{ exact_mean("(move < 0)::int") }} as decliners,
        {{ exact_mean("(sma_ratio_50 > 0)::int") }} as above_sma_50,
        {{ exact_mean("(sma_ratio_200 > 0)::int") }} as above_sma_200,
        {{ exact_mean("(distance_to_high_252 >= -0.01)::int - (distance_to_low_252 <= 0.01)::int") }}
            as highs_less_lows_252,
        {{ exact_mean("move") }} as equal_weighted_return,
        {{ exact_mean("move ** 2") }} as squared_return,
        {{ exact_mean("realised_volatility_21") }} as volatility_21_mean,
        {{ exact_mean("realised_volatility_63") }} as volatility_63_mean
    from joined
    group by date

),

dispersions as (

    select
        date,
        sqrt({{ exact_mean("(move - equal_weighted_return) ** 2") }}) as return_dispersion
    from joined
    join sessions using (date)
    group by date

),

windows as (

    select
        date,
        case
            when count(advancers) over ten = 10 then {{ exact_mean("advancers - decliners") }} over ten
        end as net_advancers_10,
        case
            when count(equal_weighted_return) over quarter = 63 then {{ exact_mean("equal_weighted_return") }} over quarter
        end as mean_63,
        {{ exact_mean("equal_weighted_return ** 2") }} over quarter as square_63
    from sessions
    window
        ten as (order by date rows between 9 preceding and current row),
        quarter as (order by date rows between 62 preceding and current row)

),

final as (

    select
        date,
        names::float as names,
        advancers::float as advancers,
        decliners::float as decliners,
        net_advancers_10::float as net_advancers_10,
        above_sma_50::float as above_sma_50,
        above_sma_200::float as above_sma_200,
        highs_less_lows_252::float as highs_less_lows_252,
        equal_weighted_return::float as equal_weighted_return,
        return_dispersion::float as return_dispersion,
        volatility_21_mean::float as volatility_21_mean,
        case
            when squared_return = 0 or names = 1 then 0
            when names > 1 then (names * equal_weighted_return ** 2 - squared_return) / ((names - 1) * squared_return)
        end::float as co_movement,
        case
            when mean_63 is null then null
            when volatility_63_mean = 0 then 0
            else least(252 * 63 / 62.0 * greatest(square_63 - mean_63 ** 2, 0) / volatility_63_mean ** 2, 1)
        end::float as implied_correlation_63
    from sessions
    join dispersions using (date)
    join windows using (date)

)

select * from final
