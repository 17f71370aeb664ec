"""What stores and warehouses send: made up (`generate`), or taken from a real retailer's year (`retailer`)."""
