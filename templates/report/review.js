"use strict";
(() => {
  const KEYS = { a: "approved", l: "locked", r: "rejected", d: "draft" };
  const ORDER = ["state", "prompt", "motion", "duration", "style", "take"];
  const tally = document.querySelector(".tally");
  const cards = Array.from(document.querySelectorAll(".shot"));
  let unsaved = false;

  const oneLine = (text) => text.split(/\s+/).filter(Boolean).join(" ");

  // The file again: what was not touched stands as it stood, what was is quoted, which YAML reads as JSON does.
  const textOf = (video) => {
    const shots = video.shots.map(({ head, fields }) => {
      const given = ORDER.filter((name) => fields[name]);
      return head + given.map((name, index) => `  ${index ? " " : "-"} ${name}: ${fields[name]}\n`).join("");
    });
    return video.head + shots.join("") + video.tail;
  };

  const count = () => {
    const found = { draft: 0, approved: 0, locked: 0, rejected: 0 };
    for (const card of cards) found[card.dataset.state] += 1;
    const told = [`${found.approved} approved`, `${found.locked} locked`, `${found.rejected} rejected`, `${found.draft} undecided`];
    tally.textContent = told.join(" · ");
  };

  const copied = async (text, pre) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      pre.closest("details").open = true;
      getSelection().selectAllChildren(pre);
      return document.execCommand("copy");
    }
  };

  const setUp = (section) => {
    const video = JSON.parse(section.querySelector("script").textContent);
    const result = section.querySelector(".result");
    const pre = result.querySelector("pre");
    const output = result.querySelector("output");
    const show = () => { pre.textContent = textOf(video); count(); };
    const changed = () => { unsaved = true; output.textContent = "not saved yet"; show(); };

    Array.from(section.querySelectorAll(".shot")).forEach((card, index) => {
      const shot = video.shots[index];
      const form = card.querySelector("form");
      const written = { prompt: form.elements.prompt.value, motion: form.elements.motion.value, ...shot.fields };
      const before = { prompt: form.elements.prompt.value, motion: form.elements.motion.value };
      card.mark = (state) => {
        card.dataset.state = shot.fields.state = state;
        card.querySelector(".state").textContent = state;
        for (const radio of form.elements.state) radio.checked = radio.value === state;
        changed();
      };
      card.another = () => {
        shot.fields.take = String(Number(shot.fields.take ?? 1) + 1);
        form.elements.take.textContent = `Take ${shot.fields.take} wanted`;
        card.mark("draft");
      };
      form.addEventListener("change", (event) => {
        if (event.target.name === "state") card.mark(event.target.value);
      });
      form.addEventListener("input", (event) => {
        const { name, value } = event.target;
        if (name !== "prompt" && name !== "motion") return;
        const said = oneLine(value);
        shot.fields[name] = said === oneLine(before[name]) ? written[name] : said && JSON.stringify(said);
        if (name === "prompt" && !said) shot.fields.prompt = written.prompt;
        // Another prompt makes another picture: what was decided was about this one.
        if (name === "prompt" && card.dataset.state !== "draft") card.mark("draft");
        changed();
      });
      form.addEventListener("submit", (event) => event.preventDefault());
      form.elements.take.addEventListener("click", card.another);
      form.hidden = false;
      card.tabIndex = 0;
    });

    section.querySelector(".all button").addEventListener("click", () => {
      for (const card of section.querySelectorAll(".shot[data-state=draft]")) card.mark("approved");
    });
    result.querySelector(".copy").addEventListener("click", async () => {
      const done = await copied(textOf(video), pre);
      output.textContent = done ? "copied" : "select the text below and copy it";
      unsaved &&= !done;
    });
    result.querySelector(".save").addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([textOf(video)], { type: "application/yaml" }));
      link.download = "shots.yaml";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      output.textContent = "downloaded";
      unsaved = false;
    });
    for (const part of section.querySelectorAll(".all, .result")) part.hidden = false;
    show();
  };

  for (const section of document.querySelectorAll(".video > .inside")) setUp(section);
  tally.hidden = document.querySelector(".keys").hidden = false;

  document.addEventListener("keydown", (event) => {
    const card = event.target.closest?.(".shot");
    if (!card || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, input[type=text]")) return;
    if (event.key in KEYS) card.mark(KEYS[event.key]);
    else if (event.key === "t") card.another();
    else if (event.key === "j" || event.key === "k") cards[cards.indexOf(card) + (event.key === "j" ? 1 : -1)]?.focus();
    else return;
    event.preventDefault();
  });
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
})();
