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

joined as (

    select
        technical.symbol,
        technical.date,
        price_action.log_return_21,
        price_action.log_return_252,
        volatility.realised_volatility_63,
        technical.rsi_14,
        technical.volume_ratio_21
    from technical
    left join price_action using (symbol, date)
    left join volatility using (symbol, date)

),

final as (

    select
        symbol,
        date,
        {{ cross_sectional_rank("log_return_21") }} as log_return_21_rank,
        {{ cross_sectional_rank("log_return_252") }} as log_return_252_rank,
        {{ cross_sectional_rank("realised_volatility_63") }} as realised_volatility_63_rank,
        {{ cross_sectional_rank("rsi_14") }} as rsi_14_rank,
        {{ cross_sectional_rank("volume_ratio_21") }} as volume_ratio_21_rank
    from joined

)

select * from final
