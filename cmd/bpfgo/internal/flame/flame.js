(function () {
	"use strict";
	var margin = 10, width = 1180, character = 7;
	var reset = document.getElementById("reset");
	var search = document.getElementById("search");
	var found = document.getElementById("found");
	var frames = [];
	search.textContent = "search";
	Array.prototype.forEach.call(document.querySelectorAll("#frames > g"), function (g) {
		var rect = g.querySelector("rect"), title = g.querySelector("title").textContent;
		var frame = {
			g: g, rect: rect, text: g.querySelector("text"), name: title.slice(0, title.lastIndexOf(" (")),
			x: +rect.getAttribute("x"), y: +rect.getAttribute("y"), w: +rect.getAttribute("width")
		};
		g.addEventListener("click", function () { zoom(frame); });
		frames.push(frame);
	});
	// Shows a frame as wide as the picture, with what is above it and below.
	function zoom(to) {
		var scale = width / to.w;
		frames.forEach(function (f) {
			var below = f.y > to.y && f.x <= to.x + 0.02 && f.x + f.w >= to.x + to.w - 0.02;
			var above = f.y <= to.y && f.x >= to.x - 0.02 && f.x + f.w <= to.x + to.w + 0.02;
			var x = below ? margin : margin + (f.x - to.x) * scale, w = below ? width : f.w * scale;
			f.g.style.display = below || above ? "" : "none";
			f.g.classList.toggle("below", below);
			f.rect.setAttribute("x", x);
			f.rect.setAttribute("width", w);
			f.text.setAttribute("x", x + 3);
			var room = Math.floor((w - 6) / character), name = Array.from(f.name);
			f.text.textContent = name.length <= room ? f.name : room < 3 ? "" : name.slice(0, room - 2).join("") + "..";
		});
		reset.textContent = to === frames[0] ? "" : "reset";
	}
	reset.addEventListener("click", function () { zoom(frames[0]); });
	// Colours the frames whose names match, and tells how much of all they are. Frames inside others count once.
	search.addEventListener("click", function () {
		var wanted = prompt("Find functions (regular expression):", ""), pattern = null;
		try {
			pattern = wanted ? new RegExp(wanted) : null;
		} catch (e) {
			pattern = null;
		}
		var end = -1, sum = 0, matching = [];
		frames.forEach(function (f) {
			var matches = pattern !== null && pattern.test(f.name);
			f.g.classList.toggle("found", matches);
			if (matches) { matching.push(f); }
		});
		matching.sort(function (a, b) { return a.x - b.x || b.w - a.w; });
		matching.forEach(function (f) {
			if (f.x >= end - 0.02) {
				sum += f.w;
				end = f.x + f.w;
			}
		});
		found.textContent = pattern === null ? "" : "found: " + (100 * sum / width).toFixed(2) + "%";
	});
})();
