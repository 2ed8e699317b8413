"use strict";
(() => {
  const PAGE = 500; // rows laid out at once: a table of 20,000 would keep a browser busy for seconds
  const table = document.querySelector("table.sortable");
  const form = document.querySelector("form.filter");
  const more = document.querySelector(".more");
  const heads = Array.from(table.tHead.rows[0].cells);
  const planned = Array.from(table.tBodies[0].rows, (row) => ({ row, text: row.textContent.toLowerCase() }));
  let ordered = planned;
  let room = PAGE;

  const show = () => {
    const text = form.elements.text.value.trim().toLowerCase();
    const state = form.elements.state.value;
    let found = 0;
    for (const { row, text: content } of ordered) {
      const fits = (!state || row.dataset.s === state) && content.includes(text);
      row.hidden = !fits || found >= room;
      found += fits;
    }
    form.querySelector("output").textContent = text || state ? `${found} of ${planned.length}` : "";
    more.hidden = found <= room;
    more.firstElementChild.textContent = `Show all ${found}`;
  };

  const value = (row, head, column) => {
    const cell = row.cells[column];
    return head.classList.contains("n") ? Number(cell.dataset.v ?? cell.textContent) : cell.textContent;
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));

  // A column's button goes through: largest or first on top, the other way round, the plan's own order.
  const sort = (head, column) => {
    const turns = head.classList.contains("n") ? ["descending", "ascending"] : ["ascending", "descending"];
    const now = head.getAttribute("aria-sort");
    const wanted = now === null ? turns[0] : now === turns[0] ? turns[1] : null;
    for (const other of heads) other.removeAttribute("aria-sort");
    ordered = planned;
    if (wanted) {
      head.setAttribute("aria-sort", wanted);
      const sign = wanted === "ascending" ? 1 : -1;
      const keyed = planned.map((item) => [value(item.row, head, column), item]);
      ordered = keyed.sort((a, b) => sign * compare(a[0], b[0])).map((pair) => pair[1]);
    }
    show();
    table.tBodies[0].append(...ordered.map((item) => item.row));
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head, column));
    head.replaceChildren(button);
  });
  more.firstElementChild.addEventListener("click", () => { room = Infinity; show(); });
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();

  // What is folded away on the screen is wanted on paper, unless it would fill a binder.
  addEventListener("beforeprint", () => {
    const folded = document.querySelectorAll("details:not([open])");
    if (folded.length <= 50) for (const one of folded) one.open = true;
  });
})();
