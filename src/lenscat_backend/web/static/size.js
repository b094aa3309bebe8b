// The slider for the thumbnails' size; this browser remembers it.

/** @param {HTMLInputElement} slider */
export function keepSize(slider) {
  slider.value = localStorage.getItem("lenscat-size") ?? "140";
  const apply = () => document.documentElement.style.setProperty("--row", `${slider.value}px`);
  slider.addEventListener("input", () => {
    apply();
    localStorage.setItem("lenscat-size", slider.value);
  });
  apply();
}
