// What the uptime probe asks: 200 and "ok" when sign-in and payments can work, else 503 and which part cannot.
import { database, payments } from "@/lib/probes";

const PART_TIMEOUT_MS = 2_000;

export const dynamic = "force-dynamic";

async function answers(probe: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
  try {
    await probe(AbortSignal.timeout(PART_TIMEOUT_MS));
    return true;
  } catch {
    return false;
  }
}

export async function GET(): Promise<Response> {
  const [databaseUp, paymentsUp] = await Promise.all([answers(database), answers(payments)]);
  const up = databaseUp && paymentsUp;
  const body = {
    status: up ? "ok" : "down",
    release: process.env.RELEASE ?? "unknown",
    parts: { database: databaseUp, payments: paymentsUp },
  };
  return Response.json(body, { status: up ? 200 : 503, headers: { "Cache-Control": "no-store" } });
}
