// The filter of the term tables; without it the page lacks nothing but the filter.
for (const form of document.querySelectorAll("form.filter")) {
  const rows = document.getElementById(form.dataset.table).tBodies[0].rows;
  const count = form.querySelector("output");
  const apply = () => {
    const wanted = form.elements.text.value.normalize("NFKC").toLowerCase();
    const state = form.elements.state.value;
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.normalize("NFKC").toLowerCase();
      row.hidden = !text.includes(wanted) || (state && !row.dataset.state.split(" ").includes(state));
      shown += !row.hidden;
    }
    count.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} terms`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
}
