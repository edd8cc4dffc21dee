with

bars as (

    select symbol, date, close from {{ source("market_data", "bars_daily") }}
    where {{ window() }}

),

filings as (

    select * from {{ source("market_data", "fundamentals") }}

),

splits as (

    select * from {{ source("market_data", "corporate_actions") }}
    where kind = 'split'

),

-- current shares for each share held at the beginning
share_counts as (

    select
        splits.symbol,
        splits.ex_date,
        list_product(list(earlier.value order by earlier.ex_date)) as shares
    from splits
    join splits as earlier on splits.symbol = earlier.symbol and splits.ex_date >= earlier.ex_date
    group by splits.symbol, splits.ex_date

),

-- a filing reflects the splits up to its day; it is used from the first day that begins after it became known
figures as (

    select
        filings.symbol,
        filings.item,
        filings.period,
        filings.period_end,
        filings.known_at,
        date '1970-01-01' + ((epoch_us(filings.known_at) - 1) // 86400000000 + 1)::int as usable_on,
        filings.value * case
            when filings.item = 'shares_outstanding' then 1 / coalesce(share_counts.shares, 1)
            when filings.item in ('eps_basic', 'eps_diluted') then coalesce(share_counts.shares, 1)
            else 1
        end as value
    from filings
    asof left join share_counts
        on filings.symbol = share_counts.symbol and filings.known_on >= share_counts.ex_date

),

-- days on which something became known: those in the window, and the last one before it
filing_days as (

    select symbol, usable_on
    from (select distinct symbol, usable_on from figures)
    where usable_on <= {{ last_day() }}
    qualify coalesce(lead(usable_on) over (partition by symbol order by usable_on), date '2999-12-31') > {{ first_day() }}

),

known as (

    select
        filing_days.symbol,
        filing_days.usable_on,
        figures.item,
        figures.period,
        figures.period_end,
        arg_max(figures.value, figures.known_at) as value
    from filing_days
    join figures
        on filing_days.symbol = figures.symbol
        and filing_days.usable_on >= figures.usable_on
        and filing_days.usable_on - 1100 < figures.period_end
    group by all

),

histories as (

    select
        symbol,
        usable_on,
        item,
        max(period_end) as last_end,
        arg_max(value, period_end::varchar || period) as latest,
        max(period_end::varchar || period) as latest_period,
        max(period_end) filter (where period = 'year') as year_end,
        arg_max(value, period_end) filter (where period = 'year') as year_value,
        -- sorted once: sorting each of these lists separately takes longer than everything else
        list_sort(list({'ends': period_end, 'period': period, 'value': value})) as periods,
        list_filter(periods, lambda entry: entry.period = 'quarter') as quarters,
        list_filter(periods, lambda entry: entry.period = 'year') as years
    from known
    group by symbol, usable_on, item
    -- a figure that a company has stopped reporting is no longer known
    qualify last_end >= max(last_end) over (partition by symbol, usable_on) - 380

),

matched as (

    select
        *,
        list_filter(quarters, lambda entry: entry.ends > last_end - 320) as last_quarters,
        list_filter(quarters, lambda entry: entry.ends > year_end) as quarters_since,
        list_filter(
            quarters,
            lambda entry: entry.ends > year_end - 345 and entry.ends <= last_end - 345
        ) as quarters_before,
        case
            when year_end = last_end then {{ year_before("years", "last_end") }}[1].value
            else {{ year_before("quarters", "last_end") }}[1].value
        end as same_period,
        {{ year_before("periods", "last_end") }}[1].value as year_ago
    from histories

),

-- four quarters: as filed, or the last fiscal year plus the quarters since, minus the same quarters a year before
flows as (

    select
        *,
        case
            when year_end = last_end then year_value
            when len(last_quarters) = 4 then {{ sum_of("last_quarters") }}
            when
                len(quarters_since) = round((last_end - year_end) / 91.3)
                and len(quarters_before) = len(quarters_since)
                then year_value + {{ sum_of("quarters_since") }} - {{ sum_of("quarters_before") }}
        end as four_quarters
    from matched

),

companies as (

    select
        symbol,
        usable_on,
        max(last_end) as period_end,
        {{ figure("four_quarters", "revenue") }} as revenue,
        {{ figure("four_quarters", "gross_profit") }} as gross_profit,
        {{ figure("four_quarters", "operating_income") }} as operating_income,
        {{ figure("four_quarters", "net_income") }} as net_income,
        coalesce({{ figure("four_quarters", "eps_diluted") }}, {{ figure("four_quarters", "eps_basic") }}) as eps,
        {{ figure("year_value", "net_income") }} as year_net_income,
        case
            when {{ figure("year_end", "net_income") }} = {{ figure("year_end", "operating_cash_flow") }}
                then {{ figure("year_value", "operating_cash_flow") }}
        end as year_cash_flow,
        {{ figure("latest", "total_assets") }} as assets,
        {{ figure("year_ago", "total_assets") }} as assets_before,
        {{ figure("latest", "total_equity") }} as equity,
        coalesce(
            {{ figure("latest", "total_liabilities") }},
            {{ figure("latest", "total_assets") }} - {{ figure("latest", "total_equity") }}
        ) as liabilities,
        {{ figure("latest", "total_debt") }} as debt,
        {{ figure("latest", "current_assets") }} as current_assets,
        {{ figure("latest", "current_liabilities") }} as current_liabilities,
        {{ figure("latest", "cash") }} as cash,
        {{ figure("latest", "revenue") }} as period_revenue,
        {{ figure("same_period", "revenue") }} as period_revenue_before,
        {{ figure("latest", "eps_basic") }} as period_eps,
        {{ figure("same_period", "eps_basic") }} as period_eps_before,
        -- EPS is filed in cents: below 0.10 it is too coarse to divide by
        coalesce({{ figure("latest", "shares_outstanding") }}, case
            when {{ figure("latest_period", "net_income") }} = {{ figure("latest_period", "eps_basic") }}
                and abs({{ figure("latest", "eps_basic") }}) >= 0.1
                then {{ figure("latest", "net_income") }} / {{ figure("latest", "eps_basic") }}
        end) as shares
    from flows
    group by symbol, usable_on

),

priced as (

    select
        bars.symbol,
        bars.date,
        bars.close * coalesce(share_counts.shares, 1) as price
    from bars
    asof left join share_counts on bars.symbol = share_counts.symbol and bars.date >= share_counts.ex_date

),

joined as (

    select
        priced.*,
        companies.* exclude (symbol, period_end),
        case when companies.shares > 0 then priced.price * companies.shares end as market_value
    from priced
    asof left join companies on priced.symbol = companies.symbol and priced.date >= companies.usable_on

),

final as (

    select
        symbol,
        date,
        ln(market_value)::float as log_market_cap,
        (eps / price)::float as earnings_yield,
        {{ positive_ratio("price", "eps") }}::float as price_to_earnings,
        (equity / market_value)::float as book_to_price,
        {{ positive_ratio("market_value", "equity") }}::float as price_to_book,
        (revenue / market_value)::float as sales_to_price,
        {{ positive_ratio("market_value", "revenue") }}::float as price_to_sales,
        (year_cash_flow / market_value)::float as cash_flow_to_price,
        {{ positive_ratio("(market_value + debt - cash)", "operating_income") }}::float as ev_to_operating_income,
        {{ positive_ratio("net_income", "equity") }}::float as return_on_equity,
        {{ positive_ratio("net_income", "assets") }}::float as return_on_assets,
        {{ positive_ratio("gross_profit", "revenue") }}::float as gross_margin,
        {{ positive_ratio("operating_income", "revenue") }}::float as operating_margin,
        {{ positive_ratio("net_income", "revenue") }}::float as net_margin,
        {{ positive_ratio("revenue", "assets") }}::float as asset_turnover,
        {{ positive_ratio("(year_net_income - year_cash_flow)", "assets") }}::float as accruals,
        ({{ positive_ratio("period_revenue", "period_revenue_before") }} - 1)::float as revenue_growth,
        {{ positive_ratio("(period_eps - period_eps_before)", "abs(period_eps_before)") }}::float as eps_growth,
        ({{ positive_ratio("assets", "assets_before") }} - 1)::float as asset_growth,
        {{ positive_ratio("debt", "equity") }}::float as debt_to_equity,
        {{ positive_ratio("liabilities", "assets") }}::float as liabilities_to_assets,
        {{ positive_ratio("current_assets", "current_liabilities") }}::float as current_ratio,
        {{ positive_ratio("cash", "current_liabilities") }}::float as cash_ratio,
        (date - usable_on)::float as filing_age
    from joined

)

select * from final
