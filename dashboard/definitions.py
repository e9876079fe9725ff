"""What each figure means, in one sentence that a shop's owner would use."""

from typing import Final

TOTAL_REVENUE: Final = (
    "Sum of all orders ever placed, whatever became of them. Includes cancelled orders."
)
NET_REVENUE: Final = "Total revenue without the orders that are cancelled now."
ORDERS: Final = "Number of orders ever placed, cancelled ones included."
AVERAGE_ORDER_VALUE: Final = "Total revenue divided by the number of orders."
PREMIUM_MARKET_SHARE: Final = (
    "Part of total revenue that comes from premium orders: those of 500 or more. "
    "Orders below 500 are standard."
)
REVENUE_OVER_TIME: Final = (
    "Revenue of the orders placed on each day (UTC). The whole bar is total revenue; the part "
    "marked as cancelled is what net revenue leaves out."
)
CATEGORIES: Final = (
    "Revenue by category; a product counts for its category of today. The whole bar is total "
    "revenue; the part marked as cancelled is what net revenue leaves out."
)
CITIES: Final = (
    "An order counts for the city its customer lived in when the order was placed. "
    "Premium: orders of 500 or more."
)
ORDER_STATUS: Final = "Where all orders stand now. An order starts as pending."
OLDEST_PENDING: Final = "How long the oldest order that is still pending has been waiting."
PRODUCTS: Final = "Products with the most revenue; name and category as they are today."
LAST_CHANGE: Final = "When the newest change that the lake holds was made in the shop's database."
LAST_INGEST: Final = "When changes were last taken over from the shop's database."
QUARANTINED: Final = (
    "Rows that broke a quality rule and are held back, so the figures do without them."
)
FAILING_RULES: Final = "Quality rules that did not pass when they were last checked."
TABLES: Final = "The source tables behind the figures, and how current each one is."
RECONCILED: Final = (
    "How many tables agreed when they were last compared, row for row: shop = lake = figures."
)
CITIES_COUNTED: Final = "Cities in which at least one order was placed."
LEADING_CITY: Final = "The city with the most revenue, cancelled orders included."
TEN_CITIES: Final = "Part of all revenue that comes from the ten cities with the most."
MAP: Final = (
    "A circle is as large as the city's revenue and as strong in colour as its premium market "
    "share. Coordinates by GeoNames."
)
PREMIUM_AGAINST_STANDARD: Final = (
    "Premium: orders of 500 or more. Standard: all others. Cancelled orders included."
)
OPEN_ORDERS: Final = "Orders that are pending or shipped: neither delivered nor cancelled yet."
PENDING: Final = (
    "Orders that were placed and have not been shipped, and those of them older than a day."
)
PENDING_BY_AGE: Final = (
    "Pending orders by how long they have waited, from the full hour in which they were placed."
)
STUCK: Final = "Pending orders that were placed more than a day ago."
UNTIL_SHIPPED: Final = "Half of the orders were shipped within this time after they were placed."
STEP_TIMES: Final = (
    "How long orders stayed in a state before the next one, for changes in the chosen period. To "
    "the minute below an hour, to the hour below two days, else to the day. States that came and "
    "went between two looks at the shop are not seen."
)
CANCEL_RATE: Final = "Cancelled orders in percent of all orders."
CANCEL_RATE_BY_DAY: Final = (
    "Orders of each day (UTC) that are cancelled now, in percent. The newest days may still grow."
)
PRODUCTS_SOLD: Final = "Products with at least one order, of all that exist or were ever sold."
UNITS_SOLD: Final = "Sum of all orders' quantities, and revenue divided by it."
BEST_CATEGORY: Final = "The category with the most revenue, and its part of all."
BEST_PRODUCT: Final = "The product with the most revenue."
WORST_PRODUCTS: Final = "Products with the least revenue among those that were ordered at all."
UNSOLD: Final = "Products of the catalogue for which nobody placed an order."
PRICE_HISTORY: Final = (
    "The list price over time, as the lake saw it change; an order keeps its own."
)
PRICE_CHANGES: Final = "The newest changes of list prices, of all products."
LAST_RUN: Final = "The newest run that did something, and when it ended."
FAILED_RUNS: Final = "How many of the newest fifty runs with a receipt failed."
RUN_COST: Final = (
    "What the runs of today (UTC) cost by AWS's list prices, of the newest fifty; an estimate. "
    "Half of these runs took no longer than the time below."
)
CHECKS_PASSED: Final = "Checks of quality rules that passed, of all that were ever made."
DASHBOARD_QUERIES: Final = (
    "What this dashboard has asked of Athena since it was started. Athena bills 5 dollars a "
    "terabyte and at least 10 MB a query; a failed query is free. Each view is read once for each "
    "new state of the data, however many people look."
)
RECONCILIATION: Final = (
    "The newest comparison of each table: rows as the shop counted them, what landed in bronze, "
    "and where its keys are. Bronze keys = silver + deleted + held back."
)
RUNS: Final = "Receipts of the newest runs. A bar is as high as its run was long, oldest first."
WATERMARKS: Final = (
    "Everything that the shop had committed before this moment is in the lake. How far the horizon "
    "lies behind the run's start: seconds are its margin; minutes mean that an open transaction in "
    "the shop's database holds it."
)
