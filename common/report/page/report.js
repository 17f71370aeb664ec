"use strict";
// Filters, sorting and unfolding. Without it the page shows everything, only less comfortably.
// Texts are set as text, never as markup.
{
  const byId = (id) => document.getElementById(id);
  const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text, wanted) => wanted.every((word) => text.includes(word));
  const show = (element, shown) => { if (element.hidden === shown) element.hidden = !shown; };
  const count = (number) => number.toLocaleString("en-US");
  // read once, when it is first searched: reading thousands of texts while the page opens would be felt
  const texts = new Map();
  const textOf = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };

  function sorted(rows, key, first) {
    const original = new Map(rows.map((row, place) => [row, place]));
    if (!key) return rows;
    const value = (row) => row.dataset[key];
    const compare = first === "largest"
      ? (a, b) => Number(value(b) ?? -Infinity) - Number(value(a) ?? -Infinity) || 0
      : (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
    return [...rows].sort((a, b) => compare(a, b) || original.get(a) - original.get(b));
  }

  // calls `apply` once a frame, however fast somebody types
  function live(form, apply) {
    let waiting = false;
    const soon = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; apply(); });
    };
    form.addEventListener("input", soon);
    form.addEventListener("reset", () => setTimeout(soon));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    apply();
  }

  function arrange(list, rows, key, first) {
    if (list.dataset.sort === (key || "")) return;
    list.dataset.sort = key || "";
    // out of the page and back: moving thousands of rows within it is many times slower
    const place = document.createComment("");
    list.replaceWith(place);
    list.replaceChildren(...sorted(rows, key, first));
    place.replaceWith(list);
  }

  function exceptions(form) {
    const list = byId("exception-rows");
    const rows = [...list.children];
    list.dataset.sort = "";
    live(form, () => {
      const chosen = new FormData(form);
      const wanted = words(chosen.get("text"));
      const code = chosen.get("code");
      const severities = new Set(chosen.getAll("severity"));
      const state = chosen.get("state");
      const key = chosen.get("sort");
      let shown = 0;
      for (const row of rows) {
        const fits = severities.has(row.dataset.severity) && (!code || row.dataset.code === code)
          && (!state || row.dataset.state === state)
          && (!wanted.length || has(textOf(row), wanted));
        show(row, fits);
        shown += fits;
      }
      arrange(list, rows, key, key === "cost" || key === "days" ? "largest" : "");
      form.querySelector("output").textContent = `${count(shown)} of ${count(rows.length)} shown`;
    });
  }

  function orders(form) {
    const list = byId("order-rows");
    const all = [...list.children].map((order) => ({
      order,
      head: order.querySelector("summary"),
      lines: [...order.querySelectorAll(".line")],
    }));
    const total = all.reduce((sum, one) => sum + one.lines.length, 0);
    list.dataset.sort = "";
    live(form, () => {
      const chosen = new FormData(form);
      const wanted = words(chosen.get("text"));
      const bound = chosen.get("bound");
      const marked = chosen.has("marked");
      const key = chosen.get("sort");
      let shown = 0;
      let suppliers = 0;
      const found = [];
      for (const { order, head, lines } of all) {
        const supplier = textOf(head);
        const missing = wanted.filter((word) => !supplier.includes(word));
        let of = 0;
        for (const line of lines) {
          const fits = (!bound || line.dataset.bound === bound) && (!marked || "marked" in line.dataset)
            && (!missing.length || has(textOf(line.firstElementChild), missing));
          show(line, fits);
          of += fits;
        }
        show(order, of > 0);
        shown += of;
        suppliers += of > 0;
        if (of && missing.length) found.push(order);
      }
      // what was found within an order is shown at once, unless it is everywhere
      if (found.length <= 20) for (const order of found) order.open = true;
      arrange(list, all.map((one) => one.order), key, "largest");
      form.querySelector("output").textContent = `${count(shown)} of ${count(total)} lines, ${count(suppliers)} suppliers`;
    });
    const button = form.elements.unfold;
    button.addEventListener("click", () => {
      const open = button.dataset.open !== "yes";
      button.dataset.open = open ? "yes" : "no";
      button.textContent = open ? "Fold all orders" : "Unfold all orders";
      for (const { order } of all) order.open = open;
    });
  }

  let why;
  const digits = (value) => (value === null || value === undefined ? "not known"
    : String(value).replace(/^(-?)(\d+)$/, (_, sign, whole) => (sign ? "−" : "") + whole.replace(/\B(?=(\d{3})+$)/g, ",")));
  function make(tag, text, attributes = {}) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  // rows of texts; the last one is the sum where there is one
  function table(caption, head, rows, hasSum) {
    const made = make("table");
    made.append(make("caption", caption));
    if (head) {
      const row = make("tr");
      for (const [place, text] of head.entries()) row.append(make("th", text, { scope: "col", class: place ? "n" : "" }));
      const top = make("thead");
      top.append(row);
      made.append(top);
    }
    const body = make("tbody");
    for (const [place, cells] of rows.entries()) {
      const row = make("tr", undefined, hasSum && place === rows.length - 1 ? { class: "sum" } : {});
      row.append(make("th", cells[0], { scope: "row" }));
      for (const text of cells.slice(1)) row.append(make("td", text, { class: "n" }));
      body.append(row);
    }
    made.append(body);
    return made;
  }

  function formula(of) {
    const covers = of.policy !== "formula";
    const rows = [
      [covers ? `demand of ${digits(of.horizon_days)} days, ${digits(of.window_demand_qty)} in ${digits(of.window_days)} days`
        : "demand of the date", digits(of.requirement_qty)],
      ["+ safety stock", digits(of.safety_stock_qty)],
      ["− free stock (available − reserved)", digits(of.position_qty)],
    ];
    if (covers) rows.push(["− on order", digits(of.on_order_qty)]);
    return [...rows, ["= need, never under 0", digits(of.net_demand_qty)]];
  }

  // the quantity after each step that the decision went through, and what the step added or took
  function steps(of) {
    let before = 0n;
    return why.steps.filter(([, column]) => of[column] !== null).map(([name, column]) => {
      const after = BigInt(of[column]);
      const change = after - before;
      before = after;
      return [name, digits(after), (change > 0n ? "+" : "") + digits(change)];
    });
  }

  function terms(of) {
    const from = (source) => (source ? ` (from ${source})` : "");
    const rows = [
      ["supplier", `${of.supplier_id}, priority ${of.supplier_priority}`],
      ["MOQ", digits(of.moq) + from(of.moq_source)],
      ["pack", `${digits(of.pack_size)} units${from(of.pack_size_source)}`],
      ["lead time in days", digits(of.lead_time_days) + from(of.lead_time_source)],
      ["policy", of.policy],
    ];
    if (of.passed_over_supplier_id) rows.splice(1, 0, ["passed over, inactive", of.passed_over_supplier_id]);
    return rows;
  }

  function explain(line) {
    if (line.querySelector(".why")) return;
    why ??= JSON.parse(byId("why").textContent);
    const stored = why.lines[line.id];
    if (!stored) return;
    const of = Object.fromEntries(why.columns.map((name, place) => [name, stored[place]]));
    const box = make("div", undefined, { class: "why" });
    box.append(
      table("Need", null, formula(of), true),
      table("From need to order", ["step", "units after it", "change"], steps(of), true),
      table("Terms", null, terms(of), false),
    );
    const raised = stored[why.columns.length];
    if (raised.length) {
      const list = make("ul");
      for (const number of raised) {
        const [what, , finding] = byId(`X${number}`).children;
        const item = make("li");
        item.append(make("a", what.textContent, { href: `#X${number}` }), `: ${finding.firstChild.textContent}`);
        list.append(item);
      }
      box.append(list);
    }
    line.append(box);
  }

  // a link to an exception or a line that is folded or filtered away shows it; the rest is the browser's own doing,
  // and whoever has gone on by keyboard before this is told is not called back
  function reveal() {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (!target?.matches(".row, .line, .order")) return;
    for (let part = target; part; part = part.parentElement) {
      part.hidden = false;
      if (part.localName === "details") part.open = true;
    }
    target.scrollIntoView({ block: "center" });
    (target.localName === "details" ? target.firstElementChild : target).focus({ preventScroll: true });
  }

  const folded = [];
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.(".line[open]")) explain(event.target);
  }, true);
  addEventListener("beforeprint", () => {
    for (const order of document.querySelectorAll(".order:not([open], [hidden])")) {
      order.open = true;
      folded.push(order);
    }
  });
  addEventListener("afterprint", () => { for (const order of folded.splice(0)) order.open = false; });
  addEventListener("hashchange", reveal);
  for (const form of document.querySelectorAll("form[data-filters]")) ({ exceptions, orders })[form.dataset.filters](form);
  if (location.hash.length > 1) reveal();
}
