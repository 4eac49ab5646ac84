//! English wordings.

use super::{CATEGORIES, COUNTRIES, Family, Figure, ITEMS, Names, ORDERS, PARTIES, Ranked, Says, USERS};

pub(super) const FAMILIES: &[Family] = &[
    (
        Figure("SELECT count(*) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'ERNSH'"),
        &[
            "How many orders did Ernst Handel place?",
            "how often has Ernst Handel ordered?",
            "How many orders did we get from Ernst Handel in total?",
            "Number of orders of the customer ernst handel",
            "How many times did Ernst Handel order so far?",
        ],
    ),
    (
        Figure("SELECT count(*) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'VINET'"),
        &["How many orders did Vins et alcools Chevalier place?", "How many orders has Vins et alcools placed?"],
    ),
    (
        Figure("SELECT round(sum(net_total), 2) FROM sales_order WHERE order_date BETWEEN '1997-01-01' AND '1997-12-31'"),
        &[
            "What was revenue in 1997?",
            "How much did we sell in 1997?",
            "turnover for the year 1997",
            "How much revenue did we bring in between 1 January 1997 and 31 December 1997?",
            "Total sales from 1997-01-01 to 1997-12-31",
        ],
    ),
    (
        Figure("SELECT round(sum(net_total), 2) FROM sales_order WHERE order_date BETWEEN '1997-04-01' AND '1997-06-30'"),
        &[
            "What was revenue in the second quarter of 1997?",
            "revenue 1997 Q2",
            "Revenue in Q2/1997",
            "sales in Q2 1997",
            "How much did we sell from April to June 1997?",
            "revenue between April and June 1997",
        ],
    ),
    (
        Figure("SELECT count(*) FROM sales_order WHERE order_date BETWEEN '1998-01-01' AND '1998-01-31'"),
        &[
            "How many orders were placed in January of 1998?",
            "orders received in January 1998: how many?",
            "How many orders came in from 1 Jan 1998 to 31 Jan 1998?",
        ],
    ),
    (
        Figure("SELECT count(*) FROM sales_order WHERE order_date BETWEEN '1997-05-01' AND '1997-06-20'"),
        &[
            "How many orders were there between 1 May 1997 and 20 June 1997?",
            "Count the orders from 1997-05-01 until 1997-06-20",
            "How many orders between May 1, 1997 and June 20, 1997?",
        ],
    ),
    (
        Figure("SELECT count(*) FROM sales_order WHERE order_date >= '1998-01-01'"),
        &["How many orders have we had since 1998?", "How many orders were placed after 1997?", "How many orders since January 1998?"],
    ),
    (
        Figure("SELECT count(*) FROM sales_order WHERE order_date < '1997-06-01'"),
        &["How many orders were placed before June 1997?", "number of orders before 1 June 1997"],
    ),
    (
        Figure("SELECT round(sum(net_total), 2) FROM sales_order WHERE order_date BETWEEN '1997-01-01' AND '1997-06-30'"),
        &["Revenue in the first half of 1997", "What did we earn in revenue in the first half of 1997?"],
    ),
    (
        Figure("SELECT sum(quantity) FROM sales_line l JOIN inventory_item i ON i.id = l.item_id WHERE i.name = 'Queso Cabrales'"),
        &["How many Queso Cabrales did we sell?", "How many units of Queso Cabrales have been sold?", "units sold of Queso Cabrales"],
    ),
    (
        Figure(
            "SELECT round(sum(l.unit_price * l.quantity * (1 - l.discount)), 2) FROM sales_line l JOIN inventory_item i ON i.id = l.item_id WHERE i.name = 'Queso Cabrales'",
        ),
        &["How much revenue did Queso Cabrales bring?", "What revenue came from Queso Cabrales?", "Revenue of Queso Cabrales"],
    ),
    (
        Figure(
            "SELECT round(sum(l.unit_price * l.quantity * (1 - l.discount)), 2) FROM sales_line l JOIN inventory_item i ON i.id = l.item_id
               JOIN inventory_category c ON c.id = i.category_id WHERE c.name = 'Dairy Products'",
        ),
        &["How much revenue did dairy products bring in?", "Revenue of the category Dairy Products", "How much did we sell of Dairy Products?"],
    ),
    (
        Ranked("SELECT c.name FROM sales_order o JOIN crm_party c ON c.id = o.customer_id GROUP BY c.name ORDER BY sum(o.net_total) DESC LIMIT 3", PARTIES),
        &[
            "Top three customers by revenue",
            "Which 3 customers have the highest revenue?",
            "the 3 customers with the most revenue",
            "Who are our top 3 customers by sales?",
        ],
    ),
    (
        Ranked("SELECT c.name FROM sales_order o JOIN crm_party c ON c.id = o.customer_id GROUP BY c.name ORDER BY count(*) DESC, c.name LIMIT 1", PARTIES),
        &[
            "Which customer has the most orders?",
            "Which customer placed the most orders?",
            "Top 1 customers by number of orders",
            "the customer with the most orders",
        ],
    ),
    (
        Ranked("SELECT i.name FROM sales_line l JOIN inventory_item i ON i.id = l.item_id GROUP BY i.name ORDER BY sum(l.quantity) DESC LIMIT 2", ITEMS),
        &["Top 2 products by units sold", "The two best selling products", "which 2 items sold the most units?"],
    ),
    (
        Ranked("SELECT c.country FROM sales_order o JOIN crm_party c ON c.id = o.customer_id GROUP BY 1 ORDER BY sum(o.net_total) DESC LIMIT 2", COUNTRIES),
        &["Top 2 countries by revenue", "Which two countries have the highest revenue?"],
    ),
    (
        Names("SELECT DISTINCT c.country FROM sales_order o JOIN crm_party c ON c.id = o.customer_id", COUNTRIES),
        &["Revenue by country", "Show the revenue per country", "orders by country"],
    ),
    (
        Names(
            "SELECT c.name FROM inventory_category c WHERE EXISTS (SELECT FROM sales_line l JOIN inventory_item i ON i.id = l.item_id WHERE i.category_id = c.id)",
            CATEGORIES,
        ),
        &["revenue by category", "units sold per category"],
    ),
    (
        Names("SELECT DISTINCT u.name FROM sales_order o JOIN identity_user u ON u.id = o.owner_id", USERS),
        &["orders by employee", "How many orders per employee?", "number of orders for each employee"],
    ),
    (
        Figure("SELECT count(*) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.country = 'Austria'"),
        &["How many orders came from customers in Austria?", "How many orders did we receive from Austria?", "orders from Austria: how many?"],
    ),
    (
        Figure("SELECT count(*) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.country IN ('Austria', 'Germany')"),
        &["How many orders came from Austria and Germany?"],
    ),
    (
        Figure("SELECT count(*) FROM crm_party WHERE is_customer AND country = 'Germany'"),
        &["How many customers are in Germany?", "How many customers do we have in Germany?", "number of customers in Germany"],
    ),
    (
        Names("SELECT name FROM inventory_item WHERE discontinued", ITEMS),
        &["Which products are discontinued?", "List the discontinued items", "Show me all products that are discontinued"],
    ),
    (Names("SELECT name FROM inventory_item WHERE NOT discontinued", ITEMS), &["Which products are not discontinued?", "List items that are not discontinued"]),
    (Figure("SELECT count(*) FROM inventory_item WHERE discontinued"), &["How many products are discontinued?", "How many discontinued products are there?"]),
    (
        Says("SELECT p.name FROM inventory_item i JOIN crm_party p ON p.id = i.supplier_id WHERE i.name = 'Chang'"),
        &[
            "Who supplies Chang?",
            "Who is the supplier of Chang?",
            "What is the supplier of chang?",
            "Which supplier does Chang come from?",
            "Chang's supplier?",
        ],
    ),
    (
        Names("SELECT i.name FROM inventory_item i JOIN crm_party p ON p.id = i.supplier_id WHERE p.name = 'Exotic Liquids'", ITEMS),
        &["Which products does Exotic Liquids supply?", "List the items from the supplier Exotic Liquids", "Show products supplied by Exotic Liquids"],
    ),
    (
        Says("SELECT phone FROM crm_party WHERE code = 'ERNSH'"),
        &["What is the phone number of Ernst Handel?", "Ernst Handel's phone number", "phone of Ernst Handel"],
    ),
    (
        Says("SELECT city FROM crm_party WHERE code = 'ERNSH'"),
        &["In which city is Ernst Handel?", "Where is Ernst Handel located?", "Where is Ernst Handel?", "What city is Ernst Handel based in?"],
    ),
    (
        Says("SELECT country FROM crm_party WHERE code = 'QUICK'"),
        &["In which country is QUICK-Stop?", "Which country is quick stop from?", "country of QUICK-Stop"],
    ),
    (Says("SELECT 'Andrew Fuller'"), &["Who is the manager of Nancy Davolio?", "Who does Nancy Davolio report to?", "Who is Steven Buchanan's boss?"]),
    (
        Names("SELECT u.name FROM identity_user u JOIN identity_user m ON m.id = u.manager_id WHERE m.name = 'Andrew Fuller'", USERS),
        &["Who reports to Andrew Fuller?", "Which employees report to Andrew Fuller?"],
    ),
    (
        Figure("SELECT sales_price FROM inventory_item WHERE name = 'Chai'"),
        &["What is the price of Chai?", "How much does Chai cost?", "price of Chai", "How much is Chai?", "what's the unit price of chai"],
    ),
    (
        Figure("SELECT on_hand FROM inventory_item WHERE name = 'Chang'"),
        &["How many Chang are in stock?", "How many units of Chang do we have in stock?", "stock of Chang", "What is the stock level of Chang?"],
    ),
    (Figure("SELECT reorder_level FROM inventory_item WHERE name = 'Chang'"), &["What is the reorder level of Chang?", "reorder level for Chang"]),
    (
        Says("SELECT max(order_date)::text FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'ERNSH'"),
        &["When was the last order of Ernst Handel?", "When did Ernst Handel last order?", "When was Ernst Handel's last order?"],
    ),
    (
        Says("SELECT min(order_date)::text FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'ERNSH'"),
        &["When was the first order of Ernst Handel?", "When did Ernst Handel first order?"],
    ),
    (Says("SELECT shipped_date::text FROM sales_order WHERE number = '10249'"), &["When was order 10249 shipped?", "What is the shipped date of order 10249?"]),
    (
        Says("SELECT c.name FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE o.number = '10249'"),
        &["Who is the customer of order 10249?", "Which customer placed order 10249?"],
    ),
    (
        Figure("SELECT count(*) FROM inventory_item i JOIN inventory_category c ON c.id = i.category_id WHERE c.name = 'Beverages'"),
        &[
            "How many beverages do we carry?",
            "How many products are in the category Beverages?",
            "How many Beverages are there?",
            "How many products belong to Beverages?",
        ],
    ),
    (
        Ranked("SELECT number FROM sales_order ORDER BY net_total DESC LIMIT 3", ORDERS),
        &["3 largest orders by total", "The three largest orders", "Top 3 orders by net total"],
    ),
    (
        Ranked("SELECT name FROM inventory_item ORDER BY sales_price DESC LIMIT 2", ITEMS),
        &["The 2 most expensive products", "Which two products are the most expensive?", "Top 2 items by price", "2 products with the highest price"],
    ),
    (
        Ranked("SELECT name FROM inventory_item ORDER BY sales_price LIMIT 1", ITEMS),
        &["What is the cheapest product?", "Which item has the lowest price?", "cheapest item"],
    ),
    (
        Ranked("SELECT number FROM sales_order ORDER BY order_date DESC, number DESC LIMIT 2", ORDERS),
        &["The 2 newest orders", "Show the latest 2 orders", "the last 2 orders"],
    ),
    (Ranked("SELECT number FROM sales_order ORDER BY order_date LIMIT 1", ORDERS), &["What is the oldest order?", "Which order is the oldest?"]),
    (
        Figure("SELECT count(*) FROM sales_order o JOIN identity_user u ON u.id = o.owner_id WHERE u.name = 'Nancy Davolio'"),
        &["How many orders did Nancy Davolio handle?", "How many orders are owned by Nancy Davolio?", "orders of the employee Nancy Davolio: how many?"],
    ),
    (
        Ranked("SELECT u.name FROM sales_order o JOIN identity_user u ON u.id = o.owner_id GROUP BY u.name ORDER BY sum(o.net_total) DESC LIMIT 1", USERS),
        &["Which employee sold the most?", "Which employee has the highest revenue?", "Which employee generated the most revenue?"],
    ),
    (Figure("SELECT sum(freight) FROM sales_order"), &["What is the total freight?", "How much freight did we charge in total?", "total shipping costs"]),
    (
        Figure("SELECT sum(freight) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'QUICK'"),
        &["How much freight was charged to QUICK-Stop?", "Freight for QUICK-Stop"],
    ),
    (
        Figure("SELECT round(sum(net_total), 2) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'QUICK'"),
        &["How much did QUICK-Stop spend?", "How much has QUICK-Stop bought?", "Revenue with QUICK-Stop", "How much did we sell to QUICK-Stop?"],
    ),
    (
        Figure("SELECT count(*) FROM sales_order WHERE net_total > 250"),
        &["How many orders over 250?", "How many orders have a net total of more than 250?", "number of orders above 250"],
    ),
    (
        Figure("SELECT count(*) FROM sales_order WHERE shipped_date IS NULL"),
        &["How many orders have not been shipped yet?", "How many orders are still open?", "How many open orders do we have?", "How many orders are not done?"],
    ),
    (Figure("SELECT count(*) FROM sales_order WHERE ship_via = 'United Package'"), &["How many orders were shipped via United Package?"]),
    (Figure("SELECT count(*) FROM sales_order WHERE shipped_date BETWEEN '1997-01-01' AND '1997-12-31'"), &["How many orders were shipped in 1997?"]),
    (Says("SELECT 'Roland Mendel'"), &["Who is the contact at Ernst Handel?", "Who is the contact person of Ernst Handel?", "Contacts of Ernst Handel"]),
    (Says("SELECT unnest(ARRAY['1996', '1997', '1998'])"), &["Revenue by year", "yearly revenue", "How many orders per year?"]),
    (Figure("SELECT count(*) FROM crm_party WHERE is_customer"), &["How many customers do we have?", "number of customers"]),
    (Figure("SELECT count(*) FROM inventory_item"), &["How many products do we have?", "How many items do we carry?", "Count all products"]),
    (Says("SELECT 'Sales Representative'"), &["What is Nancy Davolio's job title?", "What is the position of Nancy Davolio?"]),
    (
        Names("SELECT name FROM crm_party WHERE is_customer AND country = 'Germany'", PARTIES),
        &["Which customers are in Germany?", "List the customers in Germany", "Who are our customers in Germany?"],
    ),
    (Figure("SELECT round(avg(net_total), 2) FROM sales_order"), &["What is the average order value?", "average order value"]),
    (Figure("SELECT count(*) FROM crm_party WHERE is_supplier"), &["How many suppliers do we have?"]),
    (
        Says("SELECT DISTINCT to_char(order_date, 'YYYY-MM') FROM sales_order WHERE order_date BETWEEN '1997-01-01' AND '1997-12-31'"),
        &["orders by month in 1997", "monthly revenue in 1997"],
    ),
    (
        Says(
            "SELECT to_char(order_date, 'YYYY-MM') FROM sales_order WHERE order_date BETWEEN '1997-01-01' AND '1997-12-31' GROUP BY 1 ORDER BY sum(net_total) DESC LIMIT 1",
        ),
        &["Which month of 1997 had the highest revenue?", "In which month of 1997 was revenue highest?"],
    ),
    (
        Ranked("SELECT name FROM inventory_item ORDER BY on_hand DESC LIMIT 1", ITEMS),
        &["Which product has the highest stock?", "Which item has the most units in stock?"],
    ),
    (
        Ranked(
            "SELECT u.name FROM sales_order o JOIN identity_user u ON u.id = o.owner_id WHERE order_date BETWEEN '1997-01-01' AND '1997-12-31' GROUP BY u.name ORDER BY count(*) DESC LIMIT 1",
            USERS,
        ),
        &["Which employee handled the most orders in 1997?", "Top 1 employees by number of orders in 1997"],
    ),
    (
        Ranked(
            "SELECT c.name FROM inventory_item i JOIN inventory_category c ON c.id = i.category_id GROUP BY 1 ORDER BY count(*) DESC, 1 DESC LIMIT 1",
            CATEGORIES,
        ),
        &["Which category has the most products?", "Top 1 categories by number of products"],
    ),
    (
        Figure("SELECT count(*) FROM inventory_item i JOIN crm_party p ON p.id = i.supplier_id WHERE p.name = 'Exotic Liquids'"),
        &[
            "How many products does Exotic Liquids supply?",
            "How many products come from Exotic Liquids?",
            "How many items do we get from the supplier Exotic Liquids?",
        ],
    ),
    (Names("SELECT DISTINCT country FROM crm_party WHERE is_customer", COUNTRIES), &["How many customers per country?", "customers by country"]),
    (Names("SELECT name FROM inventory_item WHERE on_hand < reorder_level AND NOT discontinued", ITEMS), &["Which products are below their reorder level?"]),
    (
        Figure(
            "SELECT round(sum(net_total), 2) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'ERNSH' AND order_date BETWEEN '1997-01-01' AND '1997-12-31'",
        ),
        &["How much did Ernst Handel buy in 1997?", "Revenue of Ernst Handel in 1997", "How much did we sell to Ernst Handel in 1997?"],
    ),
    (
        Figure("SELECT round(sum(net_total), 2) FROM sales_order o JOIN identity_user u ON u.id = o.owner_id WHERE u.name = 'Nancy Davolio'"),
        &["How much revenue did Nancy Davolio generate?", "Nancy Davolio's sales", "How much did Nancy Davolio sell?"],
    ),
    (
        Figure("SELECT round(sum(net_total), 2) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.country = 'Germany'"),
        &["Revenue from Germany", "sales to customers in Germany", "How much did customers in Germany spend?"],
    ),
    (
        Names("SELECT number FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'ERNSH' AND order_date >= '1998-01-01'", ORDERS),
        &["Which orders did Ernst Handel place in 1998?", "Show the orders of Ernst Handel in 1998"],
    ),
    (Figure("SELECT freight FROM sales_order WHERE number = '10249'"), &["freight of order 10249", "What was the freight of order 10249?"]),
    (Figure("SELECT round(net_total, 2) FROM sales_order WHERE number = '10249'"), &["What is the total of order 10249?", "net total of order 10249"]),
    (Says("SELECT order_date::text FROM sales_order WHERE number = '10249'"), &["When was order 10249 placed?", "order date of order 10249"]),
    (Says("SELECT CASE WHEN discontinued THEN 'yes' ELSE 'no' END FROM inventory_item WHERE name = 'Queso Cabrales'"), &["Is Queso Cabrales discontinued?"]),
    (
        Ranked(
            "SELECT i.name FROM inventory_item i JOIN inventory_category c ON c.id = i.category_id WHERE c.name = 'Dairy Products' ORDER BY sales_price DESC LIMIT 1",
            ITEMS,
        ),
        &["What is the most expensive product in the category Dairy Products?"],
    ),
    (Figure("SELECT on_order FROM inventory_item WHERE name = 'Chang'"), &["How many Chang are on order?", "How many units of Chang are on order?"]),
];

pub(super) const UNANSWERABLE: &[&str] = &[
    "How many purple orders are there?",
    "What was the frobnication in 1997?",
    "How many customers have never ordered?",
    "How many orders did Zzyzx place?",
    "What is the average freight of an order?",
    "Why did revenue fall in 1997?",
    "What will revenue be next year?",
    "Who is the best customer?",
    "Top 3 customers",
    "What is the weather in Graz?",
    "How much did revenue grow from 1996 to 1997 in per cent?",
    "What is the median order value?",
    "How many customers ordered Chai but not Chang?",
    "Which customers ordered in 1997?",
    "How many products did we order in 1997?",
    "What is the salary of Ernst Handel?",
    "Revenue in March",
    "What is the supplier of Zzyzx?",
    "Compare revenue of 1996 and 1997",
    "How many orders did new customers place?",
    "Which employee is the nicest?",
    "How many orders in 1996 and 1998?",
    "blah blah blah",
    "What did Ernst Handel complain about?",
    "How many orders contain Chai and Chang?",
    "Which products should we discontinue?",
    "How many orders were cancelled by mistake?",
    "How many customers bought Chai?",
    "Which products did Ernst Handel never buy?",
    "What share of revenue comes from Germany?",
    "How many orders are there per purple?",
    "Which supplier is the most reliable?",
];
