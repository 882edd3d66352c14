"""Why things are done: states that lead to deeds, and that keep from others.

>>> state = CAUSES["tired"]
>>> state.rest, [deed.rest for deed in state.leads][:2], [deed.rest for deed in state.keeps][:1]
('tired', ['to bed early', 'at home'], ['shopping'])
"""

from typing import NamedTuple

from unrolled.data.phrasebook.japanese import Word


class Effect(NamedTuple):
    """A deed without its subject, on both sides."""

    verb: str
    rest: str
    front: str
    word: Word


class Cause(NamedTuple):
    """A state: of somebody, or where ``it`` is not "" of the weather and the like; what it leads to and keeps from."""

    verb: str
    rest: str
    it: str
    front: str
    word: Word
    leads: tuple[Effect, ...]
    keeps: tuple[Effect, ...]


# name | verb | rest | what is so, if nobody | Japanese before the word | word, then deeds: + done because, - not done
_CAUSES = """
tired|be|tired|||疲れている 1
+go|to bed early|早く|寝る 1
+rest|at home|家で|休む 5
+take|a taxi|タクシーに|乗る 5
+take|a hot bath|熱いお風呂に|入る 5
+go|home early|早く家に|帰る 5
-go|shopping|買い物に|行く 5
-cook|dinner|晩ご飯を|作る 5
-clean|{my} room|部屋を|掃除する s
-do|{my} homework|宿題を|する s
-go|to the party|パーティーに|行く 5
-do|the laundry|洗濯を|する s
sick|be|sick|||病気 n
+go|to the hospital|病院に|行く 5
+take|{my} medicine|薬を|飲む 5
+rest|at home|家で|休む 5
+stay|at home|家に|いる 1
-go|to school|学校に|行く 5
-go|to work|仕事に|行く 5
-go|to the party|パーティーに|行く 5
-play|soccer|サッカーを|する s
-have|breakfast|朝ご飯を|食べる 1
headache|have|a headache||頭が|痛い i
+take|{my} medicine|薬を|飲む 5
+go|home early|早く家に|帰る 5
+go|to the doctor|医者に|行く 5
+go|to bed early|早く|寝る 1
-watch|TV|テレビを|見る 1
-drink|any wine|ワインを|飲む 5
-go|to the party|パーティーに|行く 5
-do|{my} homework|宿題を|する s
busy|be|busy|||忙しい i
+work|until late|遅くまで|働く 5
+come|home late|遅く家に|帰る 5
-have|lunch|昼ご飯を|食べる 1
-watch|TV|テレビを|見る 1
-read|the newspaper|新聞を|読む 5
-go|shopping|買い物に|行く 5
-clean|{my} room|部屋を|掃除する s
-go|to the party|パーティーに|行く 5
free|be|free|||暇 na
+watch|a movie|映画を|見る 1
+read|a book|本を|読む 5
+go|to the cafe|喫茶店に|行く 5
+take|a walk in the park|公園を|散歩する s
+clean|{my} room|部屋を|掃除する s
+bake|a cake|ケーキを|焼く 5
+go|shopping|買い物に|行く 5
+play|the guitar|ギターを|弾く 5
rain|be|raining|it|雨が|降っている 1
+stay|at home|家に|いる 1
+take|a taxi|タクシーに|乗る 5
+take|an umbrella|傘を|持って行く 5
+watch|a movie at home|家で映画を|見る 1
+go|to work by bus|バスで仕事に|行く 5
-play|tennis|テニスを|する s
-take|a walk|散歩を|する s
-wash|{my} car|車を|洗う 5
-go|fishing|釣りに|行く 5
-do|the laundry|洗濯を|する s
-go|to the park|公園に|行く 5
snow|be|snowing|it|雪が|降っている 1
+stay|at home|家に|いる 1
+wear|a coat|コートを|着る 1
+take|the subway|地下鉄に|乗る 5
+drink|hot coffee|熱いコーヒーを|飲む 5
-drive|{my} car|車を|運転する s
-go|for a run|走りに|行く 5
-play|baseball|野球を|する s
-go|shopping|買い物に|行く 5
fine|be|nice|the weather|天気が|いい i
+take|a walk in the park|公園を|散歩する s
+do|the laundry|洗濯を|する s
+go|to the beach|海岸に|行く 5
+have|lunch in the park|公園で昼ご飯を|食べる 1
+go|fishing|釣りに|行く 5
+play|soccer in the park|公園でサッカーを|する s
+wash|{my} car|車を|洗う 5
-take|an umbrella|傘を|持って行く 5
cold|be|cold|it||寒い i
+wear|a sweater|セーターを|着る 1
+close|the window|窓を|閉める 1
+drink|hot tea|熱いお茶を|飲む 5
+turn|on the heater|暖房を|つける 1
+eat|ramen|ラーメンを|食べる 1
+take|a hot bath|熱いお風呂に|入る 5
-go|out||出かける 1
-swim|in the sea|海で|泳ぐ 5
-open|the window|窓を|開ける 1
-take|a walk|散歩を|する s
hot|be|hot|it||暑い i
+open|the window|窓を|開ける 1
+turn|on the air conditioner|エアコンを|つける 1
+drink|cold water|冷たい水を|飲む 5
+eat|ice cream|アイスクリームを|食べる 1
+swim|at the pool|プールで|泳ぐ 5
+take|a shower|シャワーを|浴びる 1
-wear|a coat|コートを|着る 1
-go|out||出かける 1
-play|tennis|テニスを|する s
-go|for a run|走りに|行く 5
exam|have|an exam||試験が|ある 5
+study|until late|遅くまで|勉強する s
+go|to the library|図書館に|行く 5
+get|up early|早く|起きる 1
+study|at the library|図書館で|勉強する s
-watch|TV|テレビを|見る 1
-go|shopping|買い物に|行く 5
-play|the guitar|ギターを|弾く 5
-go|to the party|パーティーに|行く 5
poor|have|no money||お金が|ない i
+walk|home|歩いて家に|帰る 5
+make|dinner at home|家で晩ご飯を|作る 5
-buy|the camera|カメラを|買う 5
-take|a taxi|タクシーに|乗る 5
-eat|at a restaurant|レストランで|食べる 1
-go|shopping|買い物に|行く 5
hungry|be|hungry||お腹が|空いている 1
+eat|a sandwich|サンドイッチを|食べる 1
+make|curry|カレーを|作る 5
+eat|two bananas|バナナを二本|食べる 1
+buy|some rice balls|おにぎりを|買う 5
+go|to a restaurant|レストランに|行く 5
+eat|some bread|パンを|食べる 1
thirsty|be|thirsty||喉が|渇いている 1
+drink|a glass of water|水を一杯|飲む 5
+drink|some milk|牛乳を|飲む 5
+buy|some orange juice|オレンジジュースを|買う 5
+go|to the cafe|喫茶店に|行く 5
sleepy|be|sleepy|||眠い i
+drink|two cups of coffee|コーヒーを二杯|飲む 5
+go|to bed early|早く|寝る 1
+wash|{my} face|顔を|洗う 5
-do|{my} homework|宿題を|する s
-watch|the movie|映画を|見る 1
-read|the newspaper|新聞を|読む 5
late|miss|the bus||バスに|乗り遅れる 1
+walk|to the station|駅まで|歩く 5
+take|a taxi|タクシーに|乗る 5
+come|home late|遅く家に|帰る 5
+call|{p}|{p}に|電話する s
lost|lose|{my} wallet||財布を|なくす 5
+call|{p}|{p}に|電話する s
+buy|a new wallet|新しい財布を|買う 5
+borrow|some money from {p}|{p}からお金を|借りる 1
+walk|home|歩いて家に|帰る 5
-go|shopping|買い物に|行く 5
noisy|be|noisy|the neighbors|隣の人たちが|うるさい i
+close|the window|窓を|閉める 1
+study|at the library|図書館で|勉強する s
+listen|to music|音楽を|聞く 5
+go|to the cafe|喫茶店に|行く 5
-sleep|well|よく|眠れる 1
-study|||勉強する s
"""


def _rows() -> dict[str, Cause]:
    causes: dict[str, Cause] = {}
    name = ""
    for line in _CAUSES.strip().splitlines():
        parts = line.split("|")
        word = Word(*parts[-1].split())
        if line[0] in "+-":
            effect = Effect(parts[0][1:], parts[1], parts[2], word)
            cause = causes[name]
            field = "leads" if line[0] == "+" else "keeps"
            causes[name] = cause._replace(**{field: (*getattr(cause, field), effect)})
        else:
            name = parts[0]
            causes[name] = Cause(parts[1], parts[2], parts[3], parts[4], word, (), ())
    return causes


CAUSES: dict[str, Cause] = _rows()
EVENTS = ("late", "lost", "noisy")  # what happens once: not told of every day, and not supposed
STATES = tuple(name for name in CAUSES if name not in EVENTS)
