-- sql/planning/exceptions/spike_rule.sql
-- Purpose   What a demand spike is, in one place: the night's models and `./submit.sh spikes` take these expressions from here.
-- Reads     windows.days_desc: units of a SKU's days with a sale within the window, the largest first
--           demand_qty: units of the date; third_largest_qty: the first expression's result
-- Formula   units >= planning.spike_min_qty and units > planning.spike_factor * third-largest day of the window
-- Try it    ./submit.sh spikes measure

-- expression: third_largest_qty
coalesce(element_at(windows.days_desc, 3), 0);

-- expression: is_spike
demand_qty >= $spike_min_qty and demand_qty > $spike_factor * third_largest_qty and $published_days >= $min_history_days;
