with

technical as (

    select * from {{ source("features", "technical") }}
    where date between date '{{ var("start") }}' and date '{{ var("end") }}'

),

ranked as (

    select
        symbol,
        date,
        {{ cross_sectional_rank("log_return_21") }} as log_return_21_rank,
        {{ cross_sectional_rank("log_return_252") }} as log_return_252_rank,
        {{ cross_sectional_rank("realised_volatility_63") }} as realised_volatility_63_rank,
        {{ cross_sectional_rank("rsi_14") }} as rsi_14_rank,
        {{ cross_sectional_rank("volume_ratio_21") }} as volume_ratio_21_rank
    from technical

)

select * from ranked
