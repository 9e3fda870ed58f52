// Builds ../static from this folder: one stylesheet, the font files it names, the icon, the script, the licences.
//
//   npm ci && npm run build
//
// What is built is committed, so nobody who runs the market needs Node. The stylesheet names a hash of its
// sources; a test of the gateway recomputes it and fails when somebody edited one and forgot the other.

import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as sass from 'sass'

const here = dirname(fileURLToPath(import.meta.url))
const target = join(here, '..', 'static')
const modules = join(here, 'node_modules')

// Two weights, three subsets. latin-ext is there for the rouble sign alone (see the unicode-range in _fonts.scss).
const fonts = ['cyrillic', 'latin', 'latin-ext'].flatMap((subset) =>
  [400, 600].map((weight) => `golos-text-${subset}-${weight}-normal.woff2`)
)

/** SHA-256 over the names and bytes of all sources, names sorted; the same in tests/unit/gateway/test_web_assets.py. */
function sourcesHash () {
  const hash = createHash('sha256')
  const names = readdirSync(join(here, 'scss')).sort().map((name) => `scss/${name}`)
  for (const name of [...names, 'package-lock.json']) {
    hash.update(`${name}\n`)
    hash.update(readFileSync(join(here, name)))
  }
  return hash.digest('hex')
}

function main () {
  rmSync(target, { recursive: true, force: true })
  for (const folder of ['fonts', 'licences']) mkdirSync(join(target, folder), { recursive: true })

  const { css } = sass.compile(join(here, 'scss', 'market.scss'), {
    style: 'compressed',
    loadPaths: [modules],
    quietDeps: true,
    charset: false // it would put a byte order mark, which is one only at the very start of a file
  })
  writeFileSync(join(target, 'market.css'), `@charset "utf-8";\n/*! built by assets/build.mjs; sources sha256 ${sourcesHash()} */\n${css}\n`)

  for (const name of fonts) {
    copyFileSync(join(modules, '@fontsource', 'golos-text', 'files', name), join(target, 'fonts', name))
  }
  for (const name of ['market.js', 'icon.svg']) copyFileSync(join(here, name), join(target, name))

  copyFileSync(join(modules, '@fontsource', 'golos-text', 'LICENSE'), join(target, 'licences', 'golos-text-OFL.txt'))
  copyFileSync(join(here, 'licences', 'govuk-frontend-MIT.txt'), join(target, 'licences', 'govuk-frontend-MIT.txt'))
}

main()
