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

bounds as (

    select
        date,
        {%- for name in compared_names() %}
        quantile_cont({{ name }}, [0.025, 0.975]) as {{ name }}_bounds{{ "," if not loop.last }}
        {%- endfor %}
    from joined
    group by date

),

clipped as (

    select
        joined.*,
        {%- for name in compared_names() %}
        case
            when {{ name }} is not null then least(greatest({{ name }}, {{ name }}_bounds[1]), {{ name }}_bounds[2])
        end as {{ name }}_clipped{{ "," if not loop.last }}
        {%- endfor %}
    from joined
    join bounds using (date)

),

means as (

    select
        date,
        {%- for name in compared_names() %}
        {{ exact_mean(name) }} as {{ name }}_mean,
        {{ exact_mean(name ~ "_clipped") }} as {{ name }}_clipped_mean{{ "," if not loop.last }}
        {%- endfor %}
    from clipped
    group by date

),

deviations as (

    select
        date,
        {%- for name in compared_names() %}
        sqrt({{ exact_mean("(" ~ name ~ " - " ~ name ~ "_mean) ** 2") }}) as {{ name }}_deviation,
        sqrt({{ exact_mean("(" ~ name ~ "_clipped - " ~ name ~ "_clipped_mean) ** 2") }})
            as {{ name }}_clipped_deviation{{ "," if not loop.last }}
        {%- endfor %}
    from clipped
    join means using (date)
    group by date

),

final as (

    select
        clipped.symbol,
        clipped.date,
        {%- for name in compared_names() %}
        {{ standardised(name, name ~ "_mean", name ~ "_deviation") }} as {{ name }}_z,
        {%- endfor %}
        {%- for name in compared_names() %}
        {{ standardised(name ~ "_clipped", name ~ "_clipped_mean", name ~ "_clipped_deviation") }}
            as {{ name }}_winsorised_z{{ "," if not loop.last }}
        {%- endfor %}
    from clipped
    join means using (date)
    join deviations using (date)

)

select * from final
