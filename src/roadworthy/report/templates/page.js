// Moves every figure of the cut-off at once. All texts were written by the page's maker: nothing is computed here.
(() => {
  const panel = document.getElementById("cut-off-slider");
  const steps = JSON.parse(document.getElementById("cut-off-steps").textContent);
  const range = panel.querySelector("input");
  const figures = [...panel.querySelectorAll("[data-figure]")];
  const marks = [...document.querySelectorAll("#cut-off svg .live")];
  const show = () => {
    const step = steps[Number(range.value)];
    for (const figure of figures) figure.textContent = step.texts[figure.dataset.figure];
    range.setAttribute("aria-valuetext", step.spoken);
    for (const mark of marks) {
      const width = Number(mark.closest("[data-width]").dataset.width);
      mark.setAttribute("transform", `translate(${step.approval_rate * width},0)`);
    }
  };
  for (const button of panel.querySelectorAll("button")) {
    button.addEventListener("click", () => { range.value = button.value; show(); });
  }
  range.addEventListener("input", show);
  panel.querySelector(".control").hidden = false;
  show();
})();
