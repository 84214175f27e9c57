// What a reader does and sees in JupyterLab, for made_lab.py: every function takes one argument and gives plain values.
window.reader = (() => {
  const PICTURE = "img.widget-image";
  const CONTROLS = { slider: ".noUi-handle", buttons: ".widget-toggle-buttons" };
  const HIDDEN = ".noUi-target, mjx-container"; // parts of a slider, and of a formula what only screen readers see
  let panel = null;
  let moving = null;

  const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const scroller = () => panel.content.outerNode ?? panel.content.node;
  const loaded = () => Promise.all([...panel.node.querySelectorAll("img")].map((img) => img.decode().catch(() => {})));
  const places = () => panel.content.widgets.map((cell, place) => [cell.node, place]);

  function found() {
    const groups = [];
    for (const [node, place] of places()) {
      for (const output of node.querySelectorAll(".jp-OutputArea-output")) {
        const picture = output.querySelector(PICTURE);
        if (picture) groups.push({ place, output, picture });
      }
    }
    return groups;
  }

  function controls(output) {
    return [...output.querySelectorAll(Object.values(CONTROLS).join(","))].map((node) => {
      const kind = Object.keys(CONTROLS).find((name) => node.matches(CONTROLS[name]));
      const box = node.closest(".widget-inline-hbox, .widget-toggle-buttons");
      return { node, kind, label: box.querySelector(".widget-label") };
    });
  }

  // The node that takes the keys, and the keys that move the control by one step.
  function handle({ node, kind }) {
    if (kind === "slider") {
      const [now, most] = ["aria-valuenow", "aria-valuemax"].map((name) => Number(node.getAttribute(name)));
      return [node, now < most ? "ArrowRight" : "ArrowLeft"];
    }
    return [[...node.querySelectorAll("button")].find((button) => !button.classList.contains("mod-active")), "Enter"];
  }

  function choices({ node, kind }) {
    if (kind === "slider") return Number(node.getAttribute("aria-valuemax")) - Number(node.getAttribute("aria-valuemin")) + 1;
    return node.querySelectorAll("button").length;
  }

  function overflowing(area) {
    const inner = [...area.querySelectorAll("*")].filter(
      (part) => part.clientWidth > 0 && getComputedStyle(part).overflowX !== "visible" && !part.closest(HIDDEN),
    );
    return [area, ...inner].find((part) => part.scrollWidth > part.clientWidth + 1);
  }

  const change = (node, what) =>
    new Promise((done) => {
      const watch = new MutationObserver(() => {
        watch.disconnect();
        done(performance.now());
      });
      watch.observe(node, what);
    });

  // A picture may be set twice in a row; the first is gone by then.
  async function decoded(picture) {
    while (!(await picture.decode().then(() => true, () => false))) await frames();
  }

  const words = (output) => output.querySelector("[role=status]")?.textContent ?? "";

  return {
    async open(path) {
      panel = await window.jupyterapp.commands.execute("docmanager:open", { path, factory: "Notebook" });
      await panel.revealed;
      await panel.context.ready;
      await panel.context.sessionContext.ready;
      await Promise.all(panel.content.widgets.map((cell) => cell.ready));
      await loaded();
      await frames();
    },

    // The path of the notebook that is in front, or the words of a window that tells why there is none.
    async front(patience) {
      for (const until = performance.now() + patience; performance.now() < until; await frames()) {
        const told = document.querySelector(".jp-Dialog");
        if (told) return told.textContent;
        const path = window.jupyterapp.shell.currentWidget?.context?.path;
        if (path) return path;
      }
      return "";
    },

    async run(patience) {
      const late = new Promise((_, fail) => setTimeout(() => fail(new Error("the notebook did not end in time")), patience));
      const passed = await Promise.race([window.jupyterapp.commands.execute("notebook:run-all-cells"), late]);
      await loaded();
      await frames();
      return passed !== false;
    },

    cells: () => panel.content.model.toJSON().cells,

    complaints() {
      const errors = ".jp-Dialog, .jupyter-widgets-error-widget, .jp-RenderedText[data-mime-type='application/vnd.jupyter.error']";
      const told = [...document.querySelectorAll(errors)].map((node) => node.textContent);
      const broken = [...panel.node.querySelectorAll("img")].filter((img) => img.naturalWidth === 0);
      return [...told, ...broken.map((img) => `no picture: ${img.alt || img.src.slice(0, 80)}`)];
    },

    tooWide() {
      const told = [];
      for (const [node, place] of places()) {
        for (const area of node.querySelectorAll(".jp-OutputArea-output, .jp-MarkdownOutput")) {
          const part = overflowing(area);
          if (part) told.push(`cell ${place + 1}: ${part.scrollWidth} in ${part.clientWidth} pixels: ${area.textContent.trim().slice(0, 60)}`);
        }
      }
      return told;
    },

    boxes: () =>
      found().map(({ place, output, picture }) => ({
        cell: place,
        shown: picture.naturalWidth > 0,
        alternative: picture.alt || picture.title,
        words: words(output),
        controls: controls(output).map((control) => ({
          kind: control.kind,
          label: control.label?.textContent ?? "",
          cut: control.label ? control.label.scrollWidth > control.label.clientWidth + 1 : true,
          choices: choices(control),
          reached: handle(control)[0].tabIndex >= 0,
        })),
      })),

    output: (box) => found()[box].output,

    async picture(box) {
      const bytes = new Uint8Array(await (await fetch(found()[box].picture.src)).arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    },

    begin([box, control]) {
      const { output, picture } = found()[box];
      const [node, key] = handle(controls(output)[control]);
      node.scrollIntoView({ block: "center" });
      node.focus();
      const changed = change(picture, { attributes: true, attributeFilter: ["src"] });
      const told = output.querySelector(".widget-html-content");
      const spoken = told ? change(told, { childList: true, subtree: true }) : null;
      const start = new Promise((done) => node.addEventListener("keydown", () => done(performance.now()), { once: true }));
      const cell = panel.content.activeCellIndex;
      moving = { output, picture, changed, spoken, start, cell, before: words(output), focused: document.activeElement === node };
      return key;
    },

    async moved(patience) {
      const late = new Promise((_, fail) => setTimeout(() => fail(new Error("no new picture came")), patience));
      const ended = await Promise.race([moving.changed, late]);
      await Promise.race([Promise.all([decoded(moving.picture), moving.spoken]), late]);
      await frames();
      const { before, cell, focused, output } = moving;
      const stayed = cell === panel.content.activeCellIndex;
      return { focused, stayed, before, after: words(output), milliseconds: ended - (await moving.start) };
    },

    frame() {
      const box = scroller().getBoundingClientRect();
      return { x: box.x, y: box.y, width: box.width, height: box.height, whole: scroller().scrollHeight };
    },

    async scroll(top) {
      scroller().scrollTop = top;
      await frames();
    },

    async close() {
      if (!panel) return; // the page has been loaded anew since
      await panel.context.sessionContext.shutdown();
      panel.dispose();
      panel = null;
    },
  };
})();
