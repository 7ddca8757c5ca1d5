// SPDX-License-Identifier: MIT
// Points on a canvas by WebGL: one buffer of places, four bytes a point for what they
// look like. They are see-through, so that many in one place are darker than few.

const vertex = `#version 300 es
in vec2 place;
in vec4 look;
uniform vec2 centre;
uniform vec2 scale;
uniform float size;
uniform float rim_size;
uniform float alpha;
uniform float pass; // 0: all; then of those that are marked 1: a rim, 2: themselves
uniform sampler2D colours;
out vec4 colour;
void main() {
  bool marked = look.y > 0.5;
  bool here = pass < 0.5 || marked;
  bool rim = pass > 0.5 && pass < 1.5;
  gl_Position = here ? vec4((place - centre) * scale, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = rim ? size + rim_size : size;
  vec4 c = texelFetch(colours, ivec2(int(rim ? 256.0 : look.x + 0.5), 0), 0);
  colour = vec4(c.rgb, pass > 0.5 ? 1.0 : alpha * c.a);
}`;

const fragment = `#version 300 es
precision mediump float;
in vec4 colour;
out vec4 shown;
void main() {
  float d = length(gl_PointCoord - 0.5) * 2.0;
  float a = colour.a * (1.0 - smoothstep(0.7, 1.0, d));
  shown = vec4(colour.rgb * a, a);
}`;

export interface View {
  x: number; // what is in the middle
  y: number;
  scale: number; // pixels to one
}

export class Drawing {
  private gl: WebGL2RenderingContext;
  private program: WebGLProgram;
  private looks: WebGLBuffer;
  private n: number;
  private marked = false;

  constructor(canvas: HTMLCanvasElement, places: Float32Array) {
    const gl = canvas.getContext("webgl2", { antialias: false, depth: false, premultipliedAlpha: true });
    if (!gl) throw new Error("This browser has no WebGL 2, by which the map is drawn.");
    this.gl = gl;
    this.n = places.length / 2;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]] as const) {
      const shader = gl.createShader(kind)!;
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "place");
    gl.bindAttribLocation(program, 1, "look");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
      throw new Error(`The map cannot be drawn: ${gl.getProgramInfoLog(program)}`);
    gl.useProgram(program);
    this.program = program;
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, places, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    this.looks = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.looks);
    gl.bufferData(gl.ARRAY_BUFFER, 4 * this.n, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, false, 0, 0);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(0, 0, 0, 0);
  }

  /** A code and whether it is marked, four bytes a point. */
  setLooks(looks: Uint8Array, marked: boolean): void {
    this.marked = marked;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.looks);
    this.gl.bufferSubData(this.gl.ARRAY_BUFFER, 0, looks);
  }

  /** 257 colours of four bytes: 0 is that of no code, 256 that of the rim of marks. */
  setColours(colours: Uint8Array): void {
    const gl = this.gl;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 257, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colours);
  }

  draw(view: View, fit: number, width: number, height: number, ratio: number): void {
    const gl = this.gl;
    const { canvas } = gl;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    gl.viewport(0, 0, w, h);
    const zoom = view.scale / fit;
    const room = Math.sqrt((width * height) / Math.max(1, this.n)); // between points, were they spread evenly
    const size = Math.max(1.5, Math.min(9, room * 0.35 * Math.sqrt(zoom)));
    const alpha = Math.max(0.12, Math.min(0.85, (room * zoom * 0.25) / size));
    const at = (name: string) => gl.getUniformLocation(this.program, name);
    gl.uniform2f(at("centre"), view.x, view.y);
    gl.uniform2f(at("scale"), (2 * view.scale) / width, (-2 * view.scale) / height);
    gl.uniform1f(at("size"), size * ratio);
    gl.uniform1f(at("alpha"), alpha);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform1f(at("rim_size"), 5 * ratio);
    for (const pass of this.marked ? [0, 1, 2] : [0]) {
      gl.uniform1f(at("pass"), pass);
      gl.drawArrays(gl.POINTS, 0, this.n);
    }
  }

  /** Gives the memory of the points back. */
  end(): void {
    this.gl.deleteProgram(this.program);
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
