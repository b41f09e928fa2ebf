// Masks as COCO's run lengths: down the first column, then the next; the first run is outside.

import { h } from "./dom.js";

export function makeMask(canvas) {
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height).data;
  const counts = [];
  let isInside = false;
  let run = 0;
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) {
      const isPainted = pixels[4 * (y * width + x) + 3] > 127;
      if (isPainted !== isInside) {
        counts.push(run);
        run = 0;
        isInside = isPainted;
      }
      run += 1;
    }
  }
  counts.push(run);
  return counts;
}

export function drawMask(counts, { width, height }, color, at) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  pen.fillStyle = color;
  let pixel = 0;
  counts.forEach((run, index) => {
    for (let left = run; index % 2 && left > 0;) {
      // a run may go on into the next column
      const y = pixel % height;
      const length = Math.min(left, height - y);
      pen.fillRect(Math.floor(pixel / height), y, 1, length);
      pixel += length;
      left -= length;
    }
    if (index % 2 === 0) pixel += run;
  });
  return h("image", { href: canvas.toDataURL(), width, height, opacity: 0.5, "data-region": at });
}
