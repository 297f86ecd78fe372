// A line of turns by priority, against a list that is sorted again and again.

import { expect, it } from 'vitest'
import { PriorityLine } from '../../../js/core/priority-line.ts'
import { Turn } from '../../../js/core/turn.ts'
import { Seeded } from '../model/random.ts'

class Plain extends Turn {
  constructor(priority: number) {
    super('', priority, 1, undefined)
  }
  start(): void {}
  expire(): void {}
  refuse(): void {}
  lose(): void {}
}

it.each([{ priorities: 1 }, { priorities: 2 }, { priorities: 5 }, { priorities: 40 }, { priorities: 100_000 }])(
  'is in the order of a sorted list, of $priorities priorities',
  ({ priorities }) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = new Seeded(seed)
      const line = new PriorityLine()
      let model: Turn[] = []
      for (let step = 0; step < 300; step += 1) {
        // Fills, then empties, and again.
        const fills = Math.floor(step / 50) % 2 === 0 ? 7 : 3
        if (random.below(10) < fills) {
          const turn = new Plain(random.below(priorities) - Math.floor(priorities / 2))
          line.push(turn)
          model.push(turn)
          model = model.toSorted((a, b) => b.priority - a.priority)
        } else if (random.below(2) === 0) {
          expect(line.shift()).toBe(model.shift())
        } else if (model.length > 0) {
          const [turn] = model.splice(random.below(model.length), 1)
          line.remove(turn as Turn)
        }
        expect(line.first).toBe(model[0])
        expect(line.length).toBe(model.length)
        if (step % 10 === 0) expect([...line]).toEqual(model)
      }
    }
  },
)
