"use strict";
(() => {
  const table = document.querySelector("table.sortable");
  const form = document.querySelector("form.filter");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const planned = rows.slice();

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.classList.contains("n") ? Number(cell.dataset.v ?? cell.textContent) : cell.textContent;
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));

  // A column's button goes through: largest or first on top, the other way round, the plan's own order.
  const sort = (head, column) => {
    const first = head.classList.contains("n") ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const now = head.getAttribute("aria-sort");
    const wanted = now === null ? first : now === first ? second : null;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    let ordered = planned;
    if (wanted) {
      head.setAttribute("aria-sort", wanted);
      const sign = wanted === "ascending" ? 1 : -1;
      ordered = planned.map((row) => [value(row, column), row]).sort((a, b) => sign * compare(a[0], b[0])).map((pair) => pair[1]);
    }
    body.append(...ordered);
  };
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head, column));
    head.replaceChildren(button);
  });

  const texts = new Map();
  const filter = () => {
    const text = form.elements.text.value.trim().toLowerCase();
    const state = form.elements.state.value;
    let shown = 0;
    for (const row of rows) {
      if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
      row.hidden = !((!state || row.dataset.s === state) && texts.get(row).includes(text));
      shown += !row.hidden;
    }
    form.querySelector("output").textContent = text || state ? `${shown} of ${rows.length}` : "";
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());

  // What is folded away on the screen is wanted on paper.
  addEventListener("beforeprint", () => {
    const all = document.querySelectorAll("details");
    if (all.length <= 50) for (const one of all) one.open = true;
  });
})();
