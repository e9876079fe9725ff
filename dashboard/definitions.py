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
