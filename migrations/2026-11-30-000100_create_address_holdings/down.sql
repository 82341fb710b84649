DROP TABLE address_holdings;
